import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgenctl.configuration.project_identity import find_project_dir, identify_project, slug
from docgenctl.model.setting_values import NAME_PATTERN
from docgenctl.model.settings import Settings


@given(st.text(max_size=300))
def test_a_slug_with_a_hash_is_always_a_valid_name(text: str) -> None:
    made = slug(text)
    assert len(made) <= 24
    assert re.fullmatch(NAME_PATTERN, f"{made}-0a1b2c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my_Project", "my-project"),
        ("Über Café", "uber-cafe"),
        ("-x", "x"),
        ("2048", "p2048"),
        ("", "project"),
        ("日本", "project"),
        ("../x", "x"),
        ("a" * 300, "a" * 24),
        ("a" * 23 + "-b", "a" * 23),
    ],
)
def test_a_slug_stays_recognisable(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_two_clones_with_the_same_directory_name_are_two_projects(tmp_path: Path) -> None:
    (tmp_path / "a" / "app").mkdir(parents=True)
    (tmp_path / "b" / "app").mkdir(parents=True)
    one, two = (identify_project(tmp_path / side / "app", Settings()) for side in "ab")
    assert one.id != two.id
    assert one.name != two.name
    assert re.fullmatch(r"[0-9a-f]{16}", one.id)
    assert one.name == f"app-{one.id[:6]}"


def test_a_directory_reached_by_a_link_is_the_same_project(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real, link = (identify_project(tmp_path / name, Settings()) for name in ("real", "link"))
    assert real == link


def test_a_configured_name_is_used_and_leaves_the_id(tmp_path: Path) -> None:
    project = identify_project(tmp_path, Settings(project="mine"))
    assert project.name == "mine"
    assert project.id == identify_project(tmp_path, Settings()).id


def test_the_nearest_docgen_yaml_marks_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "part" / "deep"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    assert find_project_dir(inner) == tmp_path / "repo"
    (tmp_path / "repo" / "part" / "docgen.yaml").touch()
    assert find_project_dir(inner) == tmp_path / "repo" / "part"
    assert find_project_dir(tmp_path / "repo") == tmp_path / "repo"


def test_without_any_mark_the_start_is_the_project(tmp_path: Path) -> None:
    assert find_project_dir(tmp_path) == tmp_path

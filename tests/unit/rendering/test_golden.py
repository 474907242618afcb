"""Whole outputs, as people and services get them.

Names that begin with a dot are kept as `dot.…`: the rendered .gitignore must not hide its neighbours here.
After a wanted change: `REFRESH_GOLDEN=1 pytest tests/unit/rendering/test_golden.py`, then read the diff.
"""

import os
from pathlib import Path

import pytest

from docgenctl.rendering.project_files import render_project
from docgenctl.rendering.stamp import is_stamped, stamp_text
from tests.unit.rendering.blueprints import EMPTY, FULL, SEVERAL, TEMPLATES, make_blueprint, make_stack

GOLDEN = Path(__file__).parents[2] / "golden"
DOCKERFILES = {"gateway": "FROM scratch\n", "main": "FROM scratch\n"}


def rendered(settings: dict) -> dict[str, str]:
    blueprint = make_blueprint(settings)
    dockerfiles = {name: text for name, text in DOCKERFILES.items() if settings is FULL}
    return dict(render_project(blueprint, make_stack(blueprint), dockerfiles, TEMPLATES))


@pytest.mark.parametrize(("name", "settings"), [("full", FULL), ("empty", EMPTY), ("several", SEVERAL)])
def test_every_file_is_as_expected(name: str, settings: dict) -> None:
    files, folder = {stored(path): text for path, text in rendered(settings).items()}, GOLDEN / name
    if os.environ.get("REFRESH_GOLDEN"):
        refresh(folder, files)
    expected = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert sorted(files) == sorted(expected)
    for path, text in files.items():
        assert text == expected[path], path


def stored(path: str) -> str:
    return "/".join(f"dot{part}" if part.startswith(".") else part for part in path.split("/"))


def refresh(folder: Path, files: dict[str, str]) -> None:
    for old in folder.rglob("*"):
        if old.is_file():
            old.unlink()
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def test_the_same_input_gives_the_same_bytes() -> None:
    assert rendered(FULL) == rendered(FULL)


def test_every_file_says_who_made_it_near_its_top() -> None:
    for path, text in rendered(FULL).items():
        assert is_stamped(text), path
        assert stamp_text("9.8.7") in text, path


def test_every_file_ends_with_one_line_break() -> None:
    for path, text in rendered(FULL).items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path


def test_the_reference_names_are_there() -> None:
    assert {
        "docker-compose.mcp.yml",
        ".env.mcp",
        ".env.mcp.template",
        ".docgen/.gitignore",
        ".docgen/routing.yaml",
        ".docgen/gateway/haproxy.cfg",
        ".docgen/gateway/Dockerfile",
        ".docgen/egress/squid.conf",
        ".docgen/servers/main/Dockerfile",
        ".docgen/servers/main/mcp-manifest.json",
        ".docgen/servers/main/server.json",
    } <= set(rendered(FULL))

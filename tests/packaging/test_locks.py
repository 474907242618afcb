"""What is pinned is all that is asked for, by hash, and names nobody's index."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
IMAGES = sorted(path.parent for path in (ROOT / "server_images").glob("*/image.toml"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt")) + [image / "requirements.txt" for image in IMAGES]


def pinned(lock: Path) -> dict[str, str]:
    """Version by name of everything in a lock; markers are left out."""
    lines = lock.read_text().splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def assert_satisfied(lock: Path, requirements: list[str]) -> None:
    versions = pinned(lock)
    for text in requirements:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock.name} lacks {text}: make lock"
        assert requirement.specifier.contains(version), f"{lock.name} has {version} for {text}: make lock"


def read_in(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_requirement_is_pinned_with_hashes_and_no_index_is_named(lock: Path) -> None:
    statements = re.sub(r"\\\n", " ", lock.read_text()).splitlines()
    for statement in statements:
        if not statement.strip() or statement.lstrip().startswith("#"):
            continue
        name = r"[A-Za-z0-9._-]+==[^\s;]+"
        assert re.fullmatch(rf"{name}( ; [^-]*(-[^-]+)*)?(\s+--hash=sha256:[0-9a-f]{{64}})+\s*", statement)
    assert "://" not in lock.read_text()
    assert len(pinned(lock)) > 3


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
def test_a_servers_lock_does_not_depend_on_the_python_that_fetches_it(image: Path) -> None:
    assert not [line for line in (image / "requirements.txt").read_text().splitlines() if " ; " in line]


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
def test_a_servers_lock_holds_what_it_and_the_common_package_ask_for(image: Path) -> None:
    common = image.parent / "common" / "requirements.in"
    assert_satisfied(image / "requirements.txt", read_in(common) + read_in(image / "requirements.in"))


def test_the_tools_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    assert_satisfied(ROOT / "requirements" / "docgenctl.txt", runtime)
    assert_satisfied(
        ROOT / "requirements" / "dev.txt", runtime + project["project"]["optional-dependencies"]["dev"]
    )
    assert_satisfied(ROOT / "requirements" / "build.txt", project["build-system"]["requires"])


def test_the_tools_locks_agree_with_each_other() -> None:
    locks = [pinned(ROOT / "requirements" / f"{name}.txt") for name in ("docgenctl", "build", "dev")]
    for name in {name for lock in locks for name in lock}:
        assert len({lock[name] for lock in locks if name in lock}) == 1, name


def test_the_servers_are_tested_on_the_versions_that_their_images_hold() -> None:
    tested = pinned(ROOT / "requirements" / "dev.txt")
    for image in IMAGES:
        for name, version in pinned(image / "requirements.txt").items():
            assert tested.get(name, version) == version, f"{image.name}: {name}"

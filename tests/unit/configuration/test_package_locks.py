"""The locks of packages: they lock exactly what docgen.yaml says, or are told to be made anew."""

import json
from pathlib import Path

import pytest

from docgenctl.configuration.package_locks import (
    lock_name,
    locked_packages,
    locks_of,
    read_lock,
    remove_locks,
    write_lock,
)
from docgenctl.files.rehearsal import rehearsal
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.server_sources import parse_package

TIME = parse_package("pypi:mcp-server-time==2026.1.1")
MEMORY = parse_package("npm:@scope/memory@1.2.3")
PYPI_LOCK = f"# {TIME}\nmcp-server-time==2026.1.1 --hash=sha256:00\n"
NPM_LOCK = json.dumps({"packages": {"": {"dependencies": {"@scope/memory": "1.2.3"}}}})


def test_a_lock_is_read_back_and_named_after_server_and_registry(tmp_path: Path) -> None:
    path = write_lock(tmp_path, "time", "pypi", PYPI_LOCK)
    assert path == tmp_path / lock_name("time", "pypi") == tmp_path / "docgen.lock.d/time.txt"
    assert read_lock(tmp_path, "time", [TIME]) == PYPI_LOCK
    write_lock(tmp_path, "memory", "npm", NPM_LOCK)
    assert (tmp_path / "docgen.lock.d/memory.package-lock.json").is_file()
    assert read_lock(tmp_path, "memory", [MEMORY]) == NPM_LOCK


@pytest.mark.parametrize(
    "text", [None, "", "# pypi:mcp-server-time==2026.1.0\n", PYPI_LOCK + "# pypi:b==1\n"]
)
def test_a_lock_that_is_absent_or_locks_something_else_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write_lock(tmp_path, "time", "pypi", text)
    with pytest.raises(ConfigurationError) as caught:
        read_lock(tmp_path, "time", [TIME])
    assert (caught.value.code, caught.value.hint) == ("not_locked", "docgenctl servers lock time")
    assert "docgen.lock.d/time.txt" in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": {"": {"dependencies": [1]}}}', "[" * 100_000])
def test_a_lock_of_npm_that_cannot_be_read_locks_nothing(text: str) -> None:
    assert locked_packages(text, "npm") == []


def test_the_folder_goes_with_the_last_lock_and_not_before(tmp_path: Path) -> None:
    write_lock(tmp_path, "time", "pypi", PYPI_LOCK)
    write_lock(tmp_path, "memory", "npm", NPM_LOCK)
    remove_locks(tmp_path, "time")
    assert [path.name for path in (tmp_path / "docgen.lock.d").iterdir()] == ["memory.package-lock.json"]
    remove_locks(tmp_path, "memory")
    assert not (tmp_path / "docgen.lock.d").exists()
    remove_locks(tmp_path, "memory")


def test_a_rehearsal_sees_what_it_writes_and_removes_and_the_disk_does_not(tmp_path: Path) -> None:
    path = write_lock(tmp_path, "time", "pypi", PYPI_LOCK)
    with rehearsal():
        remove_locks(tmp_path, "time")
        assert locks_of(tmp_path, "time") == {}
        write_lock(tmp_path, "memory", "npm", NPM_LOCK)
        assert read_lock(tmp_path, "memory", [MEMORY]) == NPM_LOCK
    assert locks_of(tmp_path, "time") == {"docgen.lock.d/time.txt": PYPI_LOCK.encode()}
    assert list(path.parent.iterdir()) == [path]
    other = tmp_path / "without a folder"
    other.mkdir()
    with rehearsal():
        write_lock(other, "memory", "npm", NPM_LOCK)
    assert list(other.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "docgen.lock.d").write_text("a file")
    with pytest.raises(RefusedError) as caught:
        write_lock(tmp_path, "time", "pypi", PYPI_LOCK)
    assert caught.value.code == "not_writable"

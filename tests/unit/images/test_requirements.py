import hashlib
from pathlib import Path

import pytest

from docgenctl.images.requirements import mismatch, parse_requirements
from docgenctl.model.errors import BuildError


def lock_line(name: str, content: bytes) -> str:
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n    # via somebody\n"


def test_a_lock_is_read_with_names_versions_and_hashes() -> None:
    text = "# a comment\n" + lock_line("Typing_Extensions", b"a") + lock_line("anyio", b"b")
    first, second = parse_requirements(text, "lock")
    assert (first.name, first.version, second.name) == ("typing-extensions", "1.0", "anyio")
    assert first.hashes == {hashlib.sha256(b"a").hexdigest()}


@pytest.mark.parametrize("line", ["anyio==1.0", "anyio>=1.0 --hash=sha256:" + "0" * 64, "-r other.txt"])
def test_a_requirement_without_pin_or_hash_is_refused_by_name(line: str) -> None:
    with pytest.raises(BuildError, match=r"main/requirements\.txt: ") as caught:
        parse_requirements(line, "main/requirements.txt")
    assert line.split()[0] in caught.value.message


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"anyio-1.0-py3-none-any.whl": b"good"}, ""),
        ({"anyio-1.0-py3-none-any.whl": b"bad"}, "anyio-1.0-py3-none-any.whl has another hash"),
        ({}, "anyio is missing"),
        (
            {"anyio-1.0-py3-none-any.whl": b"good", "evil-1.0-py3-none-any.whl": b"x"},
            "evil-1.0-py3-none-any.whl was not asked for",
        ),
        (
            {"anyio-1.0-py3-none-any.whl": b"good", "anyio-1.1-py3-none-any.whl": b"good"},
            "anyio-1.1-py3-none-any.whl was not asked for",
        ),
    ],
)
def test_only_exactly_the_locked_files_match(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = mismatch(parse_requirements(lock_line("anyio", b"good"), "lock"), tmp_path)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)

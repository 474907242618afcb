import errno
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_main.workspace import DeniedError, Limits, Workspace, WriteError

from tests.servers.main.conftest import SECRET, MakeWorkspace

OUTPUT = ("docs", "generated")


def mounted(*arguments: str) -> None:
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
    ):
        pytest.skip("file systems cannot be mounted here")


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """The output folder on a disk of 256 KiB."""
    output = root / "docs" / "generated"
    mounted("-t", "tmpfs", "-o", "size=256k", "small", str(output))
    yield output
    subprocess.run(["umount", str(output)], check=True)


@pytest.fixture
def read_only_disk(root: Path) -> Iterator[Path]:
    output = root / "docs" / "generated"
    mounted("-t", "tmpfs", "-o", "ro", "readonly", str(output))
    yield output
    subprocess.run(["umount", str(output)], check=True)


def test_a_file_is_written_with_its_directories(workspace: Workspace, root: Path) -> None:
    workspace.write((*OUTPUT, "a", "b", "x.md"), b"text")
    assert (root / "docs/generated/a/b/x.md").read_bytes() == b"text"
    assert [path.name for path in (root / "docs/generated/a/b").iterdir()] == ["x.md"]


def test_replacing_keeps_the_permissions(workspace: Workspace, root: Path) -> None:
    target = root / "docs/generated/x"
    target.write_text("old")
    target.chmod(0o600)
    workspace.write((*OUTPUT, "x"), b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "path", [("src", "a.txt"), ("x",), ("docs", "x"), ("docs", "generated"), ("docs", "generated2", "x")]
)
def test_writing_outside_the_output_folder_is_denied(
    workspace: Workspace, root: Path, path: tuple[str, ...]
) -> None:
    with pytest.raises(DeniedError):
        workspace.write(path, b"x")
    assert (root / "src" / "a.txt").read_text() == "inside\n"


def test_a_writable_workspace_is_written_anywhere_but_in_hidden_places(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    workspace = make_workspace(writable=True)
    workspace.write(("src", "new.txt"), b"x")
    assert (root / "src" / "new.txt").read_bytes() == b"x"
    for path in ((".git", "hooks", "post-commit"), (".GIT", "config"), (".env",), ("src", "id_rsa")):
        with pytest.raises(DeniedError):
            workspace.write(path, b"x")
    assert not (root / ".git").exists()


def test_links_special_files_and_hard_links_are_not_replaced(workspace: Workspace, root: Path) -> None:
    output = root / "docs" / "generated"
    (output / "link").symlink_to(root.parent / "outside" / "secret")
    (output / "dirlink").symlink_to(root.parent / "outside")
    os.link(root.parent / "outside" / "secret", output / "hard")
    os.mkfifo(output / "fifo")
    (output / "dir").mkdir()
    for path in (("link",), ("dirlink", "new"), ("hard",), ("fifo",), ("dir",)):
        with pytest.raises(DeniedError):
            workspace.write((*OUTPUT, *path), b"x")
    assert (root.parent / "outside" / "secret").read_text() == SECRET
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["secret"]


def test_a_write_that_expects_other_content_is_denied(workspace: Workspace, root: Path) -> None:
    path = (*OUTPUT, "x")
    workspace.write(path, b"one", expected_sha256="absent")
    with pytest.raises(DeniedError):
        workspace.write(path, b"two", expected_sha256="absent")
    with pytest.raises(DeniedError):
        workspace.write(path, b"two", expected_sha256=hashlib.sha256(b"zero").hexdigest())
    assert (root / "docs/generated/x").read_bytes() == b"one"
    workspace.write(path, b"two", expected_sha256=hashlib.sha256(b"one").hexdigest().upper())
    assert (root / "docs/generated/x").read_bytes() == b"two"


def test_the_quota_of_bytes_holds_and_replacing_does_not_count_twice(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(limits=Limits(output_bytes=100))
    workspace.write((*OUTPUT, "a"), b"x" * 60)
    workspace.write((*OUTPUT, "a"), b"y" * 90)
    with pytest.raises(WriteError, match="quota"):
        workspace.write((*OUTPUT, "b"), b"x" * 11)
    assert workspace.read((*OUTPUT, "a"), limit=100) == b"y" * 90


def test_the_quota_of_files_holds(make_workspace: MakeWorkspace, root: Path) -> None:
    workspace = make_workspace(limits=Limits(output_files=3))
    for name in "abc":
        workspace.write((*OUTPUT, name), b"x")
    with pytest.raises(WriteError, match="quota"):
        workspace.write((*OUTPUT, "d"), b"")
    workspace.write((*OUTPUT, "a"), b"changed")
    assert len(list((root / "docs/generated").iterdir())) == 3


def test_an_empty_file_counts_once_when_replaced(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(limits=Limits(output_files=1))
    workspace.write((*OUTPUT, "a"), b"")
    workspace.write((*OUTPUT, "a"), b"x")


def test_a_file_above_the_limit_is_refused(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(limits=Limits(file_bytes=10))
    with pytest.raises(DeniedError):
        workspace.write((*OUTPUT, "a"), b"x" * 11)


def test_a_full_disk_keeps_the_old_content_and_leaves_no_part(workspace: Workspace, small_disk: Path) -> None:
    workspace.write((*OUTPUT, "x"), b"old" * 1000)
    with pytest.raises(WriteError, match="disk is full"):
        workspace.write((*OUTPUT, "x"), b"n" * (300 << 10))
    assert (small_disk / "x").read_bytes() == b"old" * 1000
    assert [path.name for path in small_disk.iterdir()] == ["x"]
    workspace.write((*OUTPUT, "x"), b"new")
    assert (small_disk / "x").read_bytes() == b"new"


def test_a_read_only_disk_is_named_as_the_cause_and_reading_works(
    workspace: Workspace, read_only_disk: Path
) -> None:
    with pytest.raises(WriteError, match="read-only"):
        workspace.write((*OUTPUT, "x"), b"new")
    with pytest.raises(WriteError, match="read-only"):
        workspace.try_writing()
    assert workspace.read(("src", "a.txt"), limit=100) == b"inside\n"


def test_sweeping_leaves_other_files_and_goes_into_directories(workspace: Workspace, root: Path) -> None:
    output = root / "docs" / "generated"
    (output / "a").mkdir()
    (output / "a" / ".docgen-part-1").touch()
    (output / ".docgen-part-2").touch()
    (output / "keep.md").touch()
    (output / ".docgen-part-link").symlink_to(root.parent / "outside" / "secret")
    assert workspace.sweep() == 2
    assert (output / "keep.md").exists()
    assert (root.parent / "outside" / "secret").exists()


def test_an_interrupted_write_is_cleaned_up_in_the_process_itself(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.EIO, "host detail /secret/path")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError) as refusal:
        workspace.write((*OUTPUT, "x"), b"new")
    assert "/secret/path" not in str(refusal.value)
    assert list((root / "docs/generated").iterdir()) == []

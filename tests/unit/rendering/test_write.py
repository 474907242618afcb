import errno
import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from docgenctl.model.errors import RefusedError
from docgenctl.rendering import write
from docgenctl.rendering.stamp import stamp_text
from docgenctl.rendering.write import ChangeKind, compare_files, write_files

STAMP = f"# {stamp_text('1.0.0')}\n"


def test_files_and_folders_are_made(tmp_path: Path) -> None:
    changes = write_files(tmp_path, {"b/c/d.cfg": STAMP + "d", "a.yml": STAMP})
    assert [(change.path, change.kind) for change in changes] == [
        ("a.yml", ChangeKind.CREATED),
        ("b/c/d.cfg", ChangeKind.CREATED),
    ]
    assert (tmp_path / "b/c/d.cfg").read_text() == STAMP + "d"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_files(tmp_path, {".env.mcp": STAMP, "folder/file": STAMP})
    finally:
        os.umask(before)
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (".env.mcp", "folder", "folder/file")
    }
    assert modes == {".env.mcp": 0o600, "folder": 0o755, "folder/file": 0o644}


def test_an_env_file_that_others_could_read_is_closed_again(tmp_path: Path) -> None:
    write_files(tmp_path, {".env.mcp": STAMP})
    (tmp_path / ".env.mcp").chmod(0o644)
    write_files(tmp_path, {".env.mcp": STAMP})
    assert stat.S_IMODE((tmp_path / ".env.mcp").stat().st_mode) == 0o600


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": STAMP})
    os.utime(tmp_path / "a", ns=(1, 1))
    inode = (tmp_path / "a").stat().st_ino
    assert [change.kind for change in write_files(tmp_path, {"a": STAMP})] == [ChangeKind.UNCHANGED]
    after = (tmp_path / "a").stat()
    assert (after.st_mtime_ns, after.st_ino) == (1, inode)


def test_a_file_of_another_version_is_replaced_and_the_change_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"# {stamp_text('0.0.9')}\nold\n")
    (change,) = write_files(tmp_path, {"a": STAMP + "new\n"})
    assert change.kind is ChangeKind.CHANGED
    assert {"-old", "+new"} <= set(change.diff.splitlines())
    assert (tmp_path / "a").read_text() == STAMP + "new\n"


def test_comparing_writes_nothing(tmp_path: Path) -> None:
    (change,) = compare_files(tmp_path, {"folder/a": STAMP})
    assert change.kind is ChangeKind.CREATED
    assert change.diff.startswith("--- /dev/null\n+++ b/folder/a\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_user_s_own_is_refused_and_nothing_else_written(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.mcp.yml").write_text("services: {}\n")
    with pytest.raises(RefusedError, match="was not written by docgenctl") as caught:
        write_files(tmp_path, {"a-first": STAMP, "docker-compose.mcp.yml": STAMP})
    assert "mv docker-compose.mcp.yml" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["docker-compose.mcp.yml"]
    assert (tmp_path / "docker-compose.mcp.yml").read_text() == "services: {}\n"


def test_a_file_of_the_user_s_own_with_the_same_content_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same\n")
    assert [change.kind for change in write_files(tmp_path, {"a": "same\n"})] == [ChangeKind.UNCHANGED]


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_in_the_way_is_refused_and_its_target_untouched(tmp_path: Path, link: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "file").write_text(STAMP + "theirs")
    if link == "file":
        (inside / "folder").mkdir()
        (inside / "folder/file").symlink_to(outside / "file")
    else:
        (inside / "folder").symlink_to(outside)
    with pytest.raises(RefusedError, match="stands in its way"):
        write_files(inside, {"folder/file": STAMP})
    assert (outside / "file").read_text() == STAMP + "theirs"


def test_a_dangling_link_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RefusedError):
        write_files(tmp_path, {"a": STAMP})
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "a") if kind == "fifo" else (tmp_path / "a").mkdir()
    with pytest.raises(RefusedError):
        write_files(tmp_path, {"a": STAMP})


def test_a_full_disk_leaves_the_old_file_and_no_leftovers(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": STAMP + "old"})
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limit[1]))
    try:
        with pytest.raises(RefusedError, match="a cannot be written"):
            write_files(tmp_path, {"a": STAMP + "new" * 10_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", STAMP + "old")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_an_error_of_the_file_system_names_the_file_and_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_files(tmp_path, {"a": STAMP + "old"})

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(write.os, "fsync", refuse)
    with pytest.raises(RefusedError, match="a cannot be written") as caught:
        write_files(tmp_path, {"a": STAMP + "new"})
    assert caught.value.hint
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", STAMP + "old")]


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".a.docgenctl-new").write_text("half of a fi")
    write_files(tmp_path, {"a": STAMP})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_workspace_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No such file"):
        write_files(tmp_path / "gone", {"a": STAMP})

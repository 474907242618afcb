"""Editing, moving and deleting: what may be done, what is kept, what is refused."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from docgen_main.workspace import Change, DeniedError, MissingError, Workspace, WorkspaceError

from tests.servers.main.conftest import SECRET, MakeWorkspace, write_files

OUTPUT = ("docs", "generated")


def out(*names: str) -> tuple[str, ...]:
    return OUTPUT + names


@pytest.fixture
def folder(root: Path) -> Path:
    output = root / "docs" / "generated"
    write_files(output, {"a.md": "one\n", "d/b.md": "two\n", "d/e/c.md": "three\n"})
    return output


def rule(refusal: pytest.ExceptionInfo[WorkspaceError]) -> str:
    assert SECRET not in str(refusal.value)
    assert "/tmp" not in str(refusal.value)
    return refusal.value.rule


def test_an_edit_replaces_the_content_and_keeps_the_permissions(workspace: Workspace, folder: Path) -> None:
    (folder / "a.md").chmod(0o640)
    assert workspace.edit(out("a.md"), bytes.upper) == b"ONE\n"
    assert (folder / "a.md").read_bytes() == b"ONE\n"
    assert (folder / "a.md").stat().st_mode & 0o777 == 0o640


def test_an_edit_that_somebody_else_overtakes_changes_nothing(workspace: Workspace, folder: Path) -> None:
    def meanwhile(_: bytes) -> bytes:
        (folder / "a.md").write_text("theirs\n")
        return b"ours\n"

    with pytest.raises(WorkspaceError) as refusal:
        workspace.edit(out("a.md"), meanwhile)
    assert rule(refusal) == "changed"
    assert (folder / "a.md").read_text() == "theirs\n"
    assert sorted(path.name for path in folder.iterdir()) == ["a.md", "d"]


def test_a_new_file_that_somebody_else_made_meanwhile_is_kept(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def overtaken(descriptor: int) -> None:
        (folder / "new.md").write_text("theirs\n")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", overtaken)
    with pytest.raises(WorkspaceError) as refusal:
        workspace.write(out("new.md"), b"ours", expected_sha256="absent")
    assert rule(refusal) == "changed"
    assert (folder / "new.md").read_text() == "theirs\n"


def test_a_file_and_a_directory_are_moved_with_all_in_them(workspace: Workspace, folder: Path) -> None:
    workspace.move(out("a.md"), out("new", "place.md"))
    workspace.move(out("d"), out("f"))
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.md"))
    assert found == ["f/b.md", "f/e/c.md", "new/place.md"]


def test_a_move_replaces_a_file_only_when_told_to(workspace: Workspace, folder: Path) -> None:
    with pytest.raises(WorkspaceError) as refusal:
        workspace.move(out("a.md"), out("d", "b.md"))
    assert rule(refusal) == "exists"
    assert (folder / "d" / "b.md").read_text() == "two\n"
    workspace.move(out("a.md"), out("d", "b.md"), overwrite=True)
    assert (folder / "d" / "b.md").read_text() == "one\n"
    assert not (folder / "a.md").exists()


def test_a_file_that_appears_at_the_target_during_a_move_is_kept(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def overtaken(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        if name == "new":
            (folder / "new" / "place.md").write_text("theirs\n")

    monkeypatch.setattr(os, "mkdir", overtaken)
    with pytest.raises(WorkspaceError) as refusal:
        workspace.move(out("a.md"), out("new", "place.md"))
    assert rule(refusal) == "exists"
    assert (folder / "new" / "place.md").read_text() == "theirs\n"
    assert (folder / "a.md").read_text() == "one\n"


@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_moved_onto_or_through_a_link_or_a_directory(
    workspace: Workspace, root: Path, folder: Path, overwrite: bool
) -> None:
    (folder / "link").symlink_to(root.parent / "outside" / "secret")
    (folder / "dirlink").symlink_to(root.parent / "outside")
    for target in (("link",), ("dirlink", "x"), ("d",), ("dirlink",)):
        with pytest.raises(WorkspaceError):
            workspace.move(out("a.md"), out(*target), overwrite=overwrite)
    assert (folder / "a.md").exists()
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["secret"]


def test_a_link_a_hard_link_and_a_special_file_are_not_moved(
    workspace: Workspace, root: Path, folder: Path
) -> None:
    (folder / "link").symlink_to("a.md")
    os.link(root.parent / "outside" / "secret", folder / "hard")
    os.mkfifo(folder / "fifo")
    found = {}
    for name in ("link", "hard", "fifo", "missing"):
        with pytest.raises(WorkspaceError) as refusal:
            workspace.move(out(name), out("x"))
        found[name] = rule(refusal)
    assert found == {"link": "symlink", "hard": "hardlink", "fifo": "special", "missing": "missing"}


def test_a_directory_is_not_moved_into_itself(workspace: Workspace, folder: Path) -> None:
    for target in (out("d"), out("d", "x"), out("d", "e", "x")):
        with pytest.raises(DeniedError):
            workspace.move(out("d"), target)
    assert (folder / "d" / "e" / "c.md").exists()


@pytest.mark.parametrize("path", [(), ("docs",), OUTPUT])
def test_the_output_folder_and_what_holds_it_are_neither_moved_nor_deleted(
    make_workspace: MakeWorkspace, folder: Path, path: tuple[str, ...]
) -> None:
    workspace = make_workspace(writable=True)
    with pytest.raises(DeniedError):
        workspace.move(path, ("elsewhere",))
    with pytest.raises(DeniedError):
        workspace.delete(path, recursive=True)
    assert (folder / "a.md").exists()


def test_what_is_outside_the_output_folder_is_neither_moved_nor_deleted(
    workspace: Workspace, root: Path, folder: Path
) -> None:
    with pytest.raises(DeniedError):
        workspace.move(("src", "a.txt"), out("stolen.txt"))
    with pytest.raises(DeniedError):
        workspace.move(out("a.md"), ("src", "a.md"))
    with pytest.raises(DeniedError):
        workspace.delete(("src", "a.txt"))
    assert (root / "src" / "a.txt").exists()
    assert (folder / "a.md").exists()


def test_deleting_a_link_leaves_what_it_points_to(workspace: Workspace, root: Path, folder: Path) -> None:
    (folder / "link").symlink_to(root.parent / "outside" / "secret")
    (folder / "dirlink").symlink_to(root.parent / "outside")
    for name in ("link", "dirlink"):
        assert workspace.delete(out(name), recursive=True) == 1
        assert not (folder / name).is_symlink()
    assert (root.parent / "outside" / "secret").read_text() == SECRET
    with pytest.raises(MissingError):
        workspace.delete(out("link"))


def test_a_directory_with_something_in_it_is_deleted_only_when_told_to(
    workspace: Workspace, root: Path, folder: Path
) -> None:
    (folder / "d" / "out").symlink_to(root.parent / "outside")
    with pytest.raises(WorkspaceError) as refusal:
        workspace.delete(out("d"))
    assert rule(refusal) == "not-empty"
    assert workspace.delete(out("d"), recursive=True) == 5
    assert not (folder / "d").exists()
    assert (root.parent / "outside" / "secret").read_text() == SECRET


def test_a_directory_that_hides_a_secret_is_neither_moved_nor_deleted(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "d" / "e" / ".env").write_text(SECRET)
    for change in (
        lambda: workspace.delete(out("d"), recursive=True),
        lambda: workspace.move(out("d"), out("f")),
    ):
        with pytest.raises(WorkspaceError) as refusal:
            change()
        assert rule(refusal) == "hidden"
    assert (folder / "d" / "b.md").exists()
    assert (folder / "d" / "e" / ".env").read_text() == SECRET


def test_an_expected_version_is_checked_before_a_move_and_a_deletion(
    workspace: Workspace, folder: Path
) -> None:
    for change in (
        lambda: workspace.move(out("a.md"), out("x"), expected_sha256="0" * 64),
        lambda: workspace.delete(out("a.md"), expected_sha256="0" * 64),
        lambda: workspace.delete(out("d"), recursive=True, expected_sha256="0" * 64),
    ):
        with pytest.raises(WorkspaceError) as refusal:
            change()
        assert rule(refusal) == "changed"
    workspace.move(out("a.md"), out("x"), expected_sha256=sha256(b"one\n").hexdigest())
    workspace.delete(out("x"), expected_sha256=sha256(b"one\n").hexdigest())
    assert sorted(path.name for path in folder.iterdir()) == ["d"]


def test_a_move_never_makes_a_path_too_deep_to_be_named(workspace: Workspace, folder: Path) -> None:
    deep = folder / "/".join(["n"] * 40)
    deep.mkdir(parents=True)
    workspace.write(out(*["m"] * 40, "x"), b"")
    with pytest.raises(WorkspaceError) as refusal:
        workspace.move(out("n"), out(*["m"] * 40, "n"))
    assert rule(refusal) == "depth"


def test_a_directory_made_too_deep_by_others_is_refused_cleanly(workspace: Workspace, folder: Path) -> None:
    descriptor = os.open(folder / "d", os.O_RDONLY)
    for _ in range(1_000):
        os.mkdir("z", dir_fd=descriptor)
        below = os.open("z", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    try:
        with pytest.raises(WorkspaceError) as refusal:
            workspace.delete(out("d"), recursive=True)
        workspace.write(out("still.md"), b"writable")
    finally:  # pytest's own removal would recurse too deep
        subprocess.run(["rm", "-rf", str(folder / "d")], check=True)
    assert rule(refusal) == "depth"


def test_each_change_is_told_once_and_only_when_it_happened(workspace: Workspace, folder: Path) -> None:
    told: list[Change] = []
    workspace.told = told.append
    workspace.write(out("n.md"), b"x")
    workspace.edit(out("n.md"), bytes.upper)
    workspace.move(out("n.md"), out("m.md"))
    workspace.delete(out("m.md"))
    with pytest.raises(WorkspaceError):
        workspace.delete(out("m.md"))
    assert told == [
        Change("written", out("n.md")),
        Change("written", out("n.md")),
        Change("moved", out("m.md"), out("n.md")),
        Change("deleted", out("m.md")),
    ]

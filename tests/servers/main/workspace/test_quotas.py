"""What one server may write is bounded, wherever it writes and however it gets there."""

import os
from pathlib import Path

import pytest
from docgen_main.workspace import Limits, Workspace, WorkspaceError, WriteError, listing
from docgen_main.workspace.quota import FRESH_SECONDS, STALE_SECONDS, Quota, Usage

from tests.servers.main.conftest import MakeWorkspace

OUTPUT = ("docs", "generated")


def refused(workspace: Workspace, path: tuple[str, ...], content: bytes = b"x") -> None:
    with pytest.raises(WriteError, match="quota"):
        workspace.write(path, content)


def test_directories_count_like_files(make_workspace: MakeWorkspace, root: Path) -> None:
    workspace = make_workspace(limits=Limits(output_files=4))
    workspace.write((*OUTPUT, "a", "b", "c", "x"), b"")
    refused(workspace, (*OUTPUT, "y"))
    workspace.delete((*OUTPUT, "a", "b", "c", "x"))
    refused(workspace, (*OUTPUT, "p", "y"))
    assert not (root / "docs/generated/p").exists()
    workspace.write((*OUTPUT, "y"), b"")


def test_a_writable_workspace_bounds_what_this_server_wrote_and_not_what_was_there(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    (root / "big").write_bytes(b"x" * 5_000)
    workspace = make_workspace(writable=True, limits=Limits(written_bytes=1_000, written_files=3))
    workspace.write(("src", "mine"), b"x" * 900)
    refused(workspace, ("src", "more"), b"x" * 101)
    workspace.write(("src", "mine"), b"x" * 1_000)
    workspace.write(("src", "mine"), b"")
    workspace.write(("n", "two"), b"")
    refused(workspace, ("src", "four"))
    workspace.write((*OUTPUT, "of-its-own-quota"), b"x" * 2_000)


def test_a_file_of_the_user_counts_once_it_is_overwritten(make_workspace: MakeWorkspace, root: Path) -> None:
    workspace = make_workspace(writable=True, limits=Limits(written_bytes=100))
    workspace.write(("src", "a.txt"), b"x" * 100)
    refused(workspace, ("src", "b.txt"))


def test_what_was_written_elsewhere_still_counts_after_a_restart(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    options = {"writable": True, "limits": Limits(written_bytes=100), "noted": str(tmp_path / "noted")}
    make_workspace(**options).write(("src", "new"), b"x" * 90)
    again = make_workspace(**options)
    refused(again, ("src", "other"), b"x" * 11)
    again.delete(("src", "new"))
    again.write(("src", "other"), b"x" * 100)


def test_a_note_that_a_kill_cut_off_and_foreign_lines_do_no_harm(
    make_workspace: MakeWorkspace, tmp_path: Path, root: Path
) -> None:
    noted = tmp_path / "noted"
    noted.write_bytes(b'["src","a.txt"]\n[1]\n"../x"\nnull\n["..","outside","secret"]\n["src","unfin')
    workspace = make_workspace(writable=True, noted=str(noted), limits=Limits(written_bytes=10))
    assert noted.read_bytes() == b'["src", "a.txt"]\n'
    refused(workspace, ("src", "b"), b"x" * 4)


def test_where_the_notes_cannot_be_kept_nothing_is_written_elsewhere(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    workspace = make_workspace(writable=True, noted="/proc/does-not-exist/noted")
    with pytest.raises(WriteError, match="data folder"):
        workspace.write(("src", "new"), b"x")
    assert not (root / "src" / "new").exists()
    workspace.write((*OUTPUT, "x"), b"")


def test_moving_does_not_get_around_either_quota(make_workspace: MakeWorkspace, root: Path) -> None:
    (root / "src" / "big").write_bytes(b"x" * 500)
    workspace = make_workspace(writable=True, limits=Limits(output_bytes=300, written_bytes=250))
    with pytest.raises(WriteError, match="quota"):
        workspace.move(("src", "big"), (*OUTPUT, "big"))
    workspace.move(("src", "big"), ("src", "renamed"))  # the user's own bytes, moved about outside
    for number in (1, 2):
        workspace.write((*OUTPUT, "part"), b"x" * 120)
        workspace.move((*OUTPUT, "part"), (f"part{number}",))
    workspace.write((*OUTPUT, "part"), b"x" * 120)
    with pytest.raises(WriteError, match="quota"):
        workspace.move((*OUTPUT, "part"), ("part3",))
    workspace.move(("part1",), ("src", "part1"))
    refused(workspace, ("src", "more"), b"x" * 11)
    workspace.delete(("src", "part1"))
    workspace.move((*OUTPUT, "part"), ("part3",))


def test_a_directory_moved_over_the_border_counts_with_all_that_is_in_it(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    for name in "abc":
        (root / "src" / name).mkdir()
        (root / "src" / name / "x").write_bytes(b"x" * 50)
    workspace = make_workspace(writable=True, limits=Limits(output_bytes=100, output_files=4))
    workspace.move(("src", "a"), (*OUTPUT, "a"))
    workspace.move(("src", "b"), (*OUTPUT, "b"))
    with pytest.raises(WriteError, match="quota"):
        workspace.move(("src", "c"), (*OUTPUT, "c"))
    workspace.delete((*OUTPUT, "a"), recursive=True)
    workspace.move(("src", "c"), (*OUTPUT, "c"))


def test_writing_looks_at_the_output_folder_once_and_not_at_each_write(
    make_workspace: MakeWorkspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(500):
        (root / "docs/generated" / str(number)).touch()
    workspace = make_workspace()
    counted = 0
    real = listing._walk

    def walk(descriptor: int, path: tuple[str, ...]) -> object:
        nonlocal counted
        counted += 1
        return real(descriptor, path)

    monkeypatch.setattr(listing, "_walk", walk)
    for number in range(300):
        workspace.write((*OUTPUT, f"n{number % 50}"), b"x")
    assert counted == 1


def test_room_that_others_made_is_found_before_a_refusal_but_not_counted_for_each_one() -> None:
    now, there, counted = [0.0], [Usage(100, 1)], [0]

    def measure() -> Usage:
        counted[0] += 1
        return there[0]

    quota = Quota("it", Usage(100, 10), measure, clock=lambda: now[0])
    for _ in range(50):
        with pytest.raises(WriteError):
            quota.admit(Usage(1, 1))
    assert counted == [1]
    there[0] = Usage(50, 1)
    now[0] = FRESH_SECONDS + 0.1
    quota.admit(Usage(50, 1))
    assert counted == [2]


def test_what_others_wrote_is_counted_after_a_minute() -> None:
    now, there = [0.0], [Usage(0, 0)]
    quota = Quota("it", Usage(100, 10), lambda: there[0], clock=lambda: now[0])
    quota.admit(Usage(100, 1))
    there[0] = Usage(50, 1)
    quota.admit(Usage(100, 1))
    now[0] = STALE_SECONDS + 1
    with pytest.raises(WriteError, match="quota of 100 bytes"):
        quota.admit(Usage(51, 1))
    quota.admit(Usage(50, 1))


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("tries", [1_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_many_small_files_end_in_a_quota_error_while_reading_goes_on(
    make_workspace: MakeWorkspace, root: Path, tries: int
) -> None:
    workspace = make_workspace(limits=Limits(output_files=200))
    written, rules = 0, set()
    for number in range(tries):
        try:
            workspace.write((*OUTPUT, f"{number}"), b"")
            written += 1
        except WorkspaceError as error:
            rules.add(error.rule)
    assert rules == {"quota"}
    assert written == 200
    assert len(os.listdir(root / "docs/generated")) == 200  # noqa: PTH208 - the plain count of the disk
    assert workspace.read(("src", "a.txt"), limit=100) == b"inside\n"


def test_leftovers_of_killed_writes_elsewhere_are_swept_where_this_server_wrote(
    make_workspace: MakeWorkspace, root: Path, tmp_path: Path
) -> None:
    options = {"writable": True, "noted": str(tmp_path / "noted")}
    make_workspace(**options).write(("src", "new"), b"x")
    (root / "src" / ".docgen-part-1").touch()
    assert make_workspace(**options).sweep() == 1
    assert not (root / "src" / ".docgen-part-1").exists()

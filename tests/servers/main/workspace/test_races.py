"""A thread swaps a name between something inside and a link to outside while it is used."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docgen_main.workspace import Workspace, WorkspaceError

from tests.servers.main.conftest import SECRET

TRIES = 20_000


@contextmanager
def swapping(swap: Callable[[], None]) -> Iterator[None]:
    """Call `swap` in a thread, over and over, inside the block."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            swap()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def alternating(place: Path, inside: Callable[[Path], object], outside: Path) -> Callable[[], None]:
    """Replace `place` by a link to `outside`, then by what `inside` makes, each by one rename."""
    spare = place.with_name("spare")

    def swap() -> None:
        spare.symlink_to(outside)
        spare.rename(place)
        inside(spare)
        spare.rename(place)

    return swap


def remove(place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


def test_a_file_swapped_for_a_link_never_shows_what_is_outside(workspace: Workspace, root: Path) -> None:
    place = root / "src" / "x"
    place.write_text("inside")
    swap = alternating(place, lambda spare: spare.write_text("inside"), root.parent / "outside" / "secret")
    seen = {"read": 0, "refused": 0}
    followed = 0
    with swapping(swap):
        for number in range(TRIES):
            try:
                assert workspace.read(("src", "x"), limit=1000) in (b"inside", b"")
                seen["read"] += 1
            except WorkspaceError:
                seen["refused"] += 1
            if number % 10 == 0:  # the control: opening by name does escape
                followed += place.read_text() == SECRET
    assert followed > 0
    assert seen["read"] > 0
    assert seen["refused"] > 0


def test_a_directory_swapped_for_a_link_never_leads_outside(
    make_workspace: Callable[..., Workspace], root: Path
) -> None:
    workspace = make_workspace(writable=True)
    (root / "dir").mkdir()
    (root / "dir" / "secret").write_text("inside")
    place, keep = root / "dir", root / "keep"

    def swap() -> None:
        place.rename(keep)
        with suppress(FileExistsError):  # a write may have made the directory anew
            place.symlink_to(root.parent / "outside")
        while keep.exists():
            remove(place)
            with suppress(OSError):
                keep.rename(place)

    reads = refused = 0
    with swapping(swap):
        for number in range(TRIES // 4):
            try:
                assert workspace.read(("dir", "secret"), limit=1000) == b"inside"
                reads += 1
            except WorkspaceError:
                refused += 1
            if number % 50 == 0:
                try:
                    workspace.write(("dir", f"new{number % 500}"), b"x")
                except WorkspaceError:
                    refused += 1
    assert reads > 0
    assert sorted(path.name for path in (root.parent / "outside").iterdir()) == ["secret"]
    assert (root.parent / "outside" / "secret").read_text() == SECRET


def test_a_target_swapped_for_a_link_is_never_written_through(workspace: Workspace, root: Path) -> None:
    place = root / "docs" / "generated" / "x"
    place.write_text("old")
    swap = alternating(place, lambda spare: spare.write_text("old"), root.parent / "outside" / "secret")
    written = 0
    with swapping(swap):
        for _ in range(TRIES // 20):
            with suppress(WorkspaceError):
                workspace.write(("docs", "generated", "x"), b"new")
                written += 1
    assert written > 0
    assert (root.parent / "outside" / "secret").read_text() == SECRET

"""Looking at directories by descriptor: what is in one, and how much lies below one."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from docgen_main.workspace.errors import DeniedError, WorkspaceError
from docgen_main.workspace.names import DEPTH, Path, display
from docgen_main.workspace.quota import Usage

#: the most names a directory may have
ENTRIES_MOST = 250_000
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Kind = Literal["file", "directory", "link", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory; `size` in bytes and `modified` in seconds since 1970 are 0 but for files.

    A file whose `stamp` (inode, size, time of modification, time of change in ns) is the same is the same.
    """

    name: str
    kind: Kind
    size: int
    modified: float
    stamp: tuple[int, ...] = ()


def page(
    descriptor: int, path: Path, hides: Callable[[str], bool], *, after: str, count: int, most: int
) -> tuple[list[Entry], int, bool]:
    """At most `count` entries after name `after`, sorted; how many there are; whether more follow."""
    found: list[os.DirEntry[str]] = []
    with os.scandir(descriptor) as listing:
        for item in listing:
            if len(found) >= most:
                raise DeniedError(f"{display(path)} has more than {most} entries", rule="size")
            if not hides(item.name):
                found.append(item)
    rest = sorted((item for item in found if item.name > after), key=lambda item: item.name)
    return [_entry(item) for item in rest[:count]], len(found), len(rest) > count


def _entry(item: os.DirEntry[str]) -> Entry:
    if item.is_symlink():
        return Entry(item.name, "link", 0, 0)
    if item.is_dir(follow_symlinks=False):
        return Entry(item.name, "directory", 0, 0)
    try:
        found = item.stat(follow_symlinks=False)
    except OSError:  # gone since it was listed
        return Entry(item.name, "other", 0, 0)
    if not stat.S_ISREG(found.st_mode):
        return Entry(item.name, "other", 0, 0)
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return Entry(item.name, "file", found.st_size, found.st_mtime, stamp)


def content_of(
    descriptor: int, *, names_most: int, hides: Callable[[str], bool], shown: str
) -> dict[Path, int]:
    """Every path below `descriptor` with its size, 0 for what is no file.

    Raises `DeniedError` at a name that `hides` hides, at more than `names_most` names, and too deep down.
    """
    found: dict[Path, int] = {}
    for path, item in _walk(descriptor, ()):
        if hides(item.name):
            raise DeniedError(
                f"{shown} holds files that are not served: move or delete one by one what is", rule="hidden"
            )
        if len(found) >= names_most:
            raise DeniedError(f"{shown} holds more than {names_most} names", rule="size")
        found[path] = _entry(item).size
    return found


def _walk(descriptor: int, path: Path) -> Iterator[tuple[Path, os.DirEntry[str]]]:
    if len(path) > DEPTH:
        raise DeniedError(f"a directory is deeper than {DEPTH}", rule="depth")
    with os.scandir(descriptor) as listing:
        for item in listing:
            here = (*path, item.name)
            yield here, item
            if item.is_dir(follow_symlinks=False):
                with suppress(OSError), subdirectory(descriptor, item.name) as below:
                    yield from _walk(below, here)


@contextmanager
def subdirectory(parent: int, name: str) -> Iterator[int]:
    """The descriptor of directory `name` in `parent`, open inside the block; a link is no directory."""
    descriptor = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def usage_of(descriptor: int, *, names_most: int) -> Usage:
    """Bytes and names below `descriptor`, hidden or not; counting ends above `names_most` names."""
    total = Usage()
    try:
        for _, item in _walk(descriptor, ()):
            total += Usage(_entry(item).size, 1)
            if total.names > names_most:
                break
    except WorkspaceError:  # deeper than anything this server makes
        pass
    return total

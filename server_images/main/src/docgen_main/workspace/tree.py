"""Reading a directory tree by descriptors.

Theory of operation. A path that was checked by name and then opened by name can be swapped in between, so
nothing here checks names against the disk. A tree holds one descriptor of its root. To reach `a/b/c` it
opens `a` relative to the root, `b` relative to that descriptor and `c` relative to the next, each with
O_NOFOLLOW: a symbolic link in any place ends the walk (ELOOP), and without links and without `..` a walk can
only go down. What was opened is then judged by `fstat` on the descriptor itself, and read from that
descriptor: the thing that was checked is the thing that is used. Special files are looked at before opening
as well, only so that opening them has no effect on others; the answer that counts is the later one.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from docgen_main.workspace import hiding, listing
from docgen_main.workspace.errors import DeniedError, MissingError, WorkspaceError, read_failure
from docgen_main.workspace.listing import DIRECTORY, ENTRIES_MOST, Entry
from docgen_main.workspace.names import Path, check_literal, display

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Tree:
    """A directory and what lies below it, for reading. Close it when done; it holds one descriptor.

    `hides` says which names do not exist for callers; `hardlinks` allows files with more than one name,
    which may be names outside (attack: a hard link to somebody else's file).
    """

    def __init__(
        self, descriptor: int, *, hides: Callable[[str], bool] = hiding.hides, hardlinks: bool = False
    ) -> None:
        self._root = descriptor
        self._hides = hides
        self._hardlinks = hardlinks

    @classmethod
    def at(cls, root: str) -> Self:
        """Open the tree at directory `root`; a link there is followed, as the operator chose it."""
        return cls(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def close(self) -> None:
        """Give the root's descriptor back."""
        os.close(self._root)

    def below(self, path: Path, *, hides: Callable[[str], bool], hardlinks: bool = False) -> "Tree":
        """A tree of its own at directory `path`, with its own rule of what is hidden."""
        return Tree(self._walk(path), hides=hides, hardlinks=hardlinks)

    def check_visible(self, path: Path) -> None:
        """Raise `DeniedError` when a name on the way is hidden, or is no name but a path of its own."""
        check_literal(path)
        for name in path:
            if self._hides(name):
                raise DeniedError(
                    f"{display(path)} is not served: files and directories of that name may hold secrets",
                    rule="hidden",
                )

    @contextmanager
    def directory(self, path: Path) -> Iterator[int]:
        """The descriptor of directory `path`, open inside the block."""
        self.check_visible(path)
        descriptor = self._walk(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _walk(self, path: Path) -> int:
        check_literal(path)
        descriptor = os.dup(self._root)
        try:
            for name in path:
                descriptor = self._step(descriptor, name, path)
        except WorkspaceError:
            os.close(descriptor)
            raise
        return descriptor

    def _step(self, descriptor: int, name: str, path: Path) -> int:
        """Open `name` in `descriptor`; the old descriptor is closed only when the new one exists."""
        try:
            following = os.open(name, DIRECTORY, dir_fd=descriptor)
        except OSError as error:
            if error.errno == errno.ENOTDIR and _is_link(descriptor, name):
                error.errno = (
                    errno.ELOOP
                )  # Linux answers ENOTDIR for a link opened with O_DIRECTORY|O_NOFOLLOW
            raise read_failure(display(path), error) from None
        os.close(descriptor)
        return following

    @contextmanager
    def file(self, path: Path, *, limit: int | None = None) -> Iterator[int]:
        """The descriptor of regular file `path`, open inside the block; refused above `limit` bytes."""
        if not path:
            raise MissingError("the top of the workspace is a directory, not a file", rule="special")
        self.check_visible(path)
        with self.directory(path[:-1]) as parent:
            descriptor = _open_file(parent, path)
        try:
            found = os.fstat(descriptor)
            self._check_file(path, found, limit)
            yield descriptor
        finally:
            os.close(descriptor)

    def _check_file(self, path: Path, found: os.stat_result, limit: int | None) -> None:
        _check_regular(path, found)
        if found.st_nlink > 1 and not self._hardlinks:
            raise DeniedError(
                f"{display(path)} has {found.st_nlink} names (hard links); the others may lie outside",
                rule="hardlink",
            )
        if limit is not None and found.st_size > limit:
            raise DeniedError(
                f"{display(path)} has {found.st_size} bytes; at most {limit} are read at once", rule="size"
            )

    def read(self, path: Path, *, limit: int) -> bytes:
        """The content of file `path`, refused by its size, before reading, when above `limit` bytes."""
        with self.file(path, limit=limit) as descriptor:
            return read_exactly(descriptor, 0, limit, display(path))

    def size(self, path: Path) -> int:
        """Bytes of file `path`."""
        with self.file(path) as descriptor:
            return os.fstat(descriptor).st_size

    def read_range(self, path: Path, offset: int, count: int) -> tuple[bytes, int]:
        """At most `count` bytes of file `path` from byte `offset`, and the size of the whole file."""
        with self.file(path) as descriptor:
            return os.pread(descriptor, count, offset), os.fstat(descriptor).st_size

    def entries(self, path: Path, *, most: int = ENTRIES_MOST) -> list[Entry]:
        """What is in directory `path`, sorted by name, without hidden names.

        Links are listed as links and never followed. More than `most` names are refused.
        """
        return self.page(path, count=most, most=most)[0]

    def page(
        self, path: Path, *, after: str = "", count: int, most: int = ENTRIES_MOST
    ) -> tuple[list[Entry], int, bool]:
        """At most `count` entries of directory `path` after name `after`; how many it has; if more follow.

        Only the entries of the page are looked at, so that a page of a big directory costs little.
        """
        with self.directory(path) as descriptor:
            return listing.page(descriptor, path, self._hides, after=after, count=count, most=most)

    def exists(self, path: Path) -> bool:
        """Whether `path` is a readable regular file or directory."""
        try:
            with self.directory(path):
                return True
        except WorkspaceError:
            pass
        try:
            with self.file(path):
                return True
        except WorkspaceError:
            return False


def read_exactly(descriptor: int, offset: int, limit: int, shown: str) -> bytes:
    """Everything from `offset` on; a file that grew above `limit` since it was checked is refused."""
    parts, total = [], 0
    while chunk := os.pread(descriptor, min(1 << 20, limit + 1 - total), offset + total):
        parts.append(chunk)
        total += len(chunk)
        if total > limit:
            raise DeniedError(f"{shown} grew above {limit} bytes while it was read", rule="size")
    return b"".join(parts)


def _open_file(parent: int, path: Path) -> int:
    try:
        before = os.stat(path[-1], dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISLNK(before.st_mode):
            _check_regular(path, before)
        return os.open(path[-1], _FILE, dir_fd=parent)
    except OSError as error:
        raise read_failure(display(path), error) from None


def _check_regular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise MissingError(f"{display(path)} is a directory, not a file", rule="special")
    if not stat.S_ISREG(found.st_mode):
        raise DeniedError(f"{display(path)} is not a regular file", rule="special")


def _is_link(parent: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False

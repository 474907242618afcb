"""Where in the workspace a client may read and change what."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from docgen_main.workspace import hiding, removing, writing
from docgen_main.workspace.errors import (
    DeniedError,
    MissingError,
    WorkspaceError,
    read_failure,
    write_failure,
)
from docgen_main.workspace.names import Path, check_new, display, parse
from docgen_main.workspace.tree import Tree

_DEPTH = 32


class Guarded(Tree):
    """The tree at `root`, and what a change needs to know before it is made.

    Below `output` (a path relative to `root`) it may be changed, or anywhere when `writable`.
    """

    def __init__(self, root: str, output: str, *, writable: bool) -> None:
        super().__init__(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        self._roots = tuple(dict.fromkeys((root, os.path.realpath(root))))
        self.output = parse(output)
        self.writable = writable

    def path(self, text: str) -> Path:
        """The path that a client's `text` means; see `names.parse`."""
        return parse(text, self._roots)

    def generated(self, text: str) -> Path:
        """The path of `text` in the output folder, whether or not it starts with the folder's own name."""
        path = self.path(text)
        return path if self.in_output(path) and path != self.output else self.output + path

    def in_output(self, path: Path) -> bool:
        """Whether `path` is the output folder or lies below it."""
        return path[: len(self.output)] == self.output

    def repository(self) -> Tree:
        """The tree of `.git`, for the history reader alone. Raises `WorkspaceError` when there is none.

        Nothing is hidden in it and hard links are allowed: a clone on the same disk links its objects.
        """
        return self.below((".git",), hides=hiding.nothing, hardlinks=True)

    def may_write_in(self, path: Path) -> bool:
        """Whether what is at `path`, or a file in it, may be changed as far as the rules go."""
        return self.writable or self.in_output(path)

    def is_directory(self, path: Path) -> bool:
        """Whether `path` is a directory; False for everything else, also for what may not be looked at."""
        try:
            with self.directory(path):
                return True
        except WorkspaceError:
            return False

    def check_writable(self, path: Path) -> None:
        """Raise `DeniedError` when no file may be written at `path`, whatever its content."""
        self.check_visible(path)
        check_new(path)
        if not path or path == self.output:
            raise DeniedError("give a file name, not a directory", rule="special")
        self._check_right(path)

    def check_changeable(self, path: Path) -> None:
        """Raise `DeniedError` when what is at `path` may not be moved or deleted."""
        self.check_visible(path)
        if path == self.output[: len(path)]:
            raise DeniedError(
                f"{display(path)} holds the output folder: it is neither moved nor deleted", rule="special"
            )
        self._check_right(path)

    def _check_right(self, path: Path) -> None:
        if not self.may_write_in(path):
            raise DeniedError(
                f"{display(path)} is read-only: write below {display(self.output)}/, or make the "
                "workspace writable",
                rule="read-only",
            )

    def output_files(self) -> Iterator[tuple[Path, int]]:
        """Every regular file of the output folder with its size, in order of path."""
        yield from self._files(self.output)

    def _files(self, path: Path) -> Iterator[tuple[Path, int]]:
        try:
            entries = self.entries(path)
        except WorkspaceError:
            return
        for entry in entries:
            here = (*path, entry.name)
            if entry.kind == "file":
                yield here, entry.size
            elif entry.kind == "directory" and len(here) < _DEPTH:
                yield from self._files(here)

    def line_offset(self, path: Path, line: int, *, within: int) -> int | None:
        """Where `line` (from 1) of file `path` begins; None when not in its first `within` bytes."""
        with self.file(path) as descriptor:
            offset, wanted = 0, line - 1
            while wanted and offset < within and (chunk := os.pread(descriptor, 1 << 20, offset)):
                ends = chunk.count(b"\n")
                if ends >= wanted:
                    return offset + _end_of_line(chunk, wanted)
                offset, wanted = offset + len(chunk), wanted - ends
            return None if wanted else 0

    def sha256(self, path: Path, *, limit: int) -> tuple[str | None, os.stat_result]:
        """Hash of file `path`, None above `limit` bytes, and the status of what was hashed."""
        with self.file(path) as descriptor:
            found = os.fstat(descriptor)
            if found.st_size > limit:
                return None, found
            digest, offset = hashlib.sha256(), 0
            while offset <= limit and (chunk := os.pread(descriptor, 1 << 20, offset)):
                digest.update(chunk)
                offset += len(chunk)
            return digest.hexdigest(), found

    def _present(self, path: Path) -> os.stat_result | None:
        """The plain file at `path`, None when there is nothing; anything else is denied."""
        try:
            with self.directory(path[:-1]) as parent:
                return writing.present(parent, path)
        except MissingError:
            return None

    def _found(self, parent: int, path: Path) -> os.stat_result:
        try:
            found = os.stat(path[-1], dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise read_failure(display(path), error) from None
        removing.check_kind(found, path)
        return found

    @contextmanager
    def _parent(self, path: Path) -> Iterator[int]:
        descriptor = writing.make_directories(self._root, path[:-1])
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_output(self) -> int | None:
        try:
            return self._walk(self.output)
        except WorkspaceError:
            return None

    def _look(self, path: Path) -> os.stat_result | None:
        try:
            with self.directory(path[:-1]) as parent:
                return os.stat(path[-1], dir_fd=parent, follow_symlinks=False)
        except (OSError, WorkspaceError):
            return None

    def try_writing(self) -> None:
        """Write and remove a file in the output folder. Raises `WorkspaceError` when impossible."""
        with self._parent((*self.output, "x")) as descriptor:
            name = writing.PART_PREFIX + secrets.token_hex(8)
            try:
                os.close(os.open(name, writing.CREATE, 0o600, dir_fd=descriptor))
                os.unlink(name, dir_fd=descriptor)
            except OSError as error:
                raise write_failure(display(self.output), error) from None


def _end_of_line(chunk: bytes, number: int) -> int:
    """Where line break `number` (from 1) of `chunk` ends."""
    place = 0
    for _ in range(number):
        place = chunk.index(b"\n", place) + 1
    return place

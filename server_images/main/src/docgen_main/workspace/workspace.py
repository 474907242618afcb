"""The workspace: what tools may read, where they may write, and how much."""

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from docgen_main.workspace import hiding, writing
from docgen_main.workspace.errors import DeniedError, MissingError, WorkspaceError, WriteError, write_failure
from docgen_main.workspace.names import Path, check_new, display, parse
from docgen_main.workspace.tree import Tree


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one server writes: bytes of one file, and bytes and files of the whole output folder."""

    file_bytes: int = 8 << 20
    output_bytes: int = 256 << 20
    output_files: int = 5_000


class Workspace(Tree):
    """A tree that can be written to below `output` (a path relative to `root`), or anywhere when `writable`.

    Paths reach it as text through `path()`; everything else takes the names that `path()` returned.
    """

    def __init__(
        self,
        root: str,
        output: str,
        *,
        writable: bool = False,
        limits: Limits | None = None,
        name: str = "",
    ) -> None:
        super().__init__(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        self._roots = tuple(dict.fromkeys((root, os.path.realpath(root))))
        self.output = parse(output)
        self.writable = writable
        #: what its owner calls it, "" when nobody said: inside a container every workspace is `/workspace`
        self.name = name
        self.limits = limits or Limits()
        self._writing = threading.Lock()

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

    def write(self, path: Path, content: bytes, *, expected_sha256: str | None = None) -> None:
        """Make `content` the file at `path`, making missing directories, atomically.

        With `expected_sha256` only when the present content has that hash ("absent": when there is no such
        file). Raises `DeniedError` or `WriteError`; the previous content is intact then.
        """
        self.check_writable(path)
        if len(content) > self.limits.file_bytes:
            raise DeniedError(
                f"{display(path)} would have {len(content)} bytes; at most {self.limits.file_bytes} may",
                rule="size",
            )
        with self._writing:
            if expected_sha256 is not None:
                self._check_expected(path, expected_sha256)
            if self.in_output(path):
                self._check_quota(path, len(content))
            with self._parent(path) as parent:
                writing.replace(parent, path, content)

    def check_writable(self, path: Path) -> None:
        """Raise `DeniedError` when no file may be written at `path`, whatever its content."""
        self.check_visible(path)
        check_new(path)
        if not path or path == self.output:
            raise DeniedError("give a file name, not a directory", rule="special")
        if not (self.writable or self.in_output(path)):
            raise DeniedError(
                f"{display(path)} is read-only: write below {display(self.output)}/, or make the "
                "workspace writable",
                rule="read-only",
            )

    @contextmanager
    def _parent(self, path: Path) -> Iterator[int]:
        descriptor = writing.make_directories(self._root, path[:-1])
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _check_expected(self, path: Path, expected: str) -> None:
        try:
            found = hashlib.sha256(self.read(path, limit=1 << 30)).hexdigest()
        except MissingError:
            found = "absent"
        if found != expected.lower():
            raise DeniedError(
                f"{display(path)} is not what was expected (now {found}): read it again, then repeat",
                rule="changed",
            )

    def _check_quota(self, path: Path, added: int) -> None:
        used_bytes, used_files, present = 0, 0, -1
        for found, size in self.output_files():
            used_files += 1
            used_bytes += size
            if found == path:
                present = size
        # the file being replaced does not count twice
        if used_bytes - max(present, 0) + added > self.limits.output_bytes:
            raise WriteError(
                f"{display(self.output)} would have more than its quota of {self.limits.output_bytes} bytes: "
                "remove documents that are not needed",
                rule="quota",
            )
        if present < 0 and used_files >= self.limits.output_files:
            raise WriteError(
                f"{display(self.output)} has its quota of {self.limits.output_files} files: "
                "remove documents that are not needed",
                rule="quota",
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
            elif entry.kind == "directory" and len(here) < 32:
                yield from self._files(here)

    def sweep(self) -> int:
        """Remove what a killed write left in the output folder, at start; return how many files."""
        try:
            with self.directory(self.output) as descriptor:
                return writing.sweep(descriptor)
        except WorkspaceError:
            return 0

    def try_writing(self) -> None:
        """Write and remove a file in the output folder. Raises `WorkspaceError` when impossible."""
        with self._parent((*self.output, "x")) as descriptor:
            name = writing.PART_PREFIX + secrets.token_hex(8)
            try:
                os.close(os.open(name, writing.CREATE, 0o600, dir_fd=descriptor))
                os.unlink(name, dir_fd=descriptor)
            except OSError as error:
                raise write_failure(display(self.output), error) from None

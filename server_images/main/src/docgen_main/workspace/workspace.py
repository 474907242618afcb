"""The workspace: what tools may read and change, and how much."""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from docgen_main.workspace import listing, removing, writing
from docgen_main.workspace.accounts import Accounts, Limits
from docgen_main.workspace.errors import DeniedError, WorkspaceError, read_failure
from docgen_main.workspace.moving import Move
from docgen_main.workspace.names import Path, display
from docgen_main.workspace.rights import Guarded
from docgen_main.workspace.tree import read_exactly

_NAMES_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """Something that this server changed at `path`; `source` is where a moved file or directory was."""

    kind: Literal["written", "moved", "deleted"]
    path: Path
    source: Path = ()


class Workspace(Guarded):
    """A tree that can be changed below `output` (a path relative to `root`), or anywhere when `writable`.

    Paths reach it as text through `path()`; everything else takes the names that `path()` returned. `told`
    hears of each change. `noted` names a file of our own that remembers what was written outside `output`.
    """

    def __init__(
        self,
        root: str,
        output: str,
        *,
        writable: bool = False,
        limits: Limits | None = None,
        name: str = "",
        noted: str | None = None,
    ) -> None:
        super().__init__(root, output, writable=writable)
        #: what its owner calls it, "" when nobody said: inside a container every workspace is `/workspace`
        self.name = name
        self.limits = limits or Limits()
        self.told: Callable[[Change], None] = lambda _: None
        self._writing = threading.Lock()
        self._accounts = Accounts(
            self.output, self.limits, open_output=self._open_output, look=self._look, noted=noted
        )

    def write(self, path: Path, content: bytes, *, expected_sha256: str | None = None) -> None:
        """Make `content` the file at `path`, making missing directories, atomically.

        With `expected_sha256` only when the present content has that hash ("absent": when there is no such
        file). Raises `DeniedError` or `WriteError`; the previous content is intact then.
        """
        self.check_writable(path)
        self._check_size(path, content)
        with self._writing:
            before = self._present(path)
            if expected_sha256 is not None:
                self._check_expected(path, before, expected_sha256)
            self._put(path, content, before, strict=expected_sha256 is not None)

    def edit(
        self, path: Path, change: Callable[[bytes], bytes], *, expected_sha256: str | None = None
    ) -> bytes:
        """Replace the content of file `path` by what `change` makes of it, and return that.

        Nothing is written when `change` raises or when somebody else changes the file meanwhile.
        """
        self.check_writable(path)
        with self._writing:
            with self.file(path, limit=self.limits.file_bytes) as descriptor:
                before = os.fstat(descriptor)
                content = read_exactly(descriptor, 0, self.limits.file_bytes, display(path))
            if expected_sha256 is not None:
                _compare(path, hashlib.sha256(content).hexdigest(), expected_sha256)
            changed = change(content)
            self._check_size(path, changed)
            self._put(path, changed, before, strict=True)
        return changed

    def move(
        self, source: Path, target: Path, *, overwrite: bool = False, expected_sha256: str | None = None
    ) -> None:
        """Give what is at `source` the name `target`; a file there is replaced only with `overwrite`."""
        self.check_changeable(source)
        self.check_writable(target)
        with self._writing, self.directory(source[:-1]) as parent:
            move = Move(source, target, self._found(parent, source), self._present(target))
            move.check(overwrite=overwrite)
            self._check_version(source, move.before, expected_sha256)
            content = self._content(parent, source, move.before)
            new, gone = move.sizes(content, self._counts_as_written)
            missing = dict.fromkeys(writing.missing_directories(self._root, target[:-1]), 0)
            with self._accounts.change({**missing, **new}, gone), self._parent(target) as there:
                move.carry_out(parent, there)
            self.told(Change("moved", target, source))

    def delete(self, path: Path, *, recursive: bool = False, expected_sha256: str | None = None) -> int:
        """Remove the file, link or directory at `path`; return how many names. A link's target is untouched.

        A directory that is not empty only when `recursive`, and never one in which hidden files are.
        """
        self.check_changeable(path)
        with self._writing, self.directory(path[:-1]) as parent:
            found = self._found(parent, path)
            self._check_version(path, found, expected_sha256)
            content = self._content(parent, path, found)
            if len(content) > 1 and not recursive:
                raise DeniedError(
                    f"{display(path)} holds {len(content) - 1} names: delete it with recursive",
                    rule="not-empty",
                )
            with self._accounts.change({}, {(*path, *below): size for below, size in content.items()}):
                remove = removing.remove_directory if removing.is_directory(found) else removing.remove_file
                remove(parent, path, self._hides)
            self.told(Change("deleted", path))
        return len(content)

    def _check_size(self, path: Path, content: bytes) -> None:
        if len(content) > self.limits.file_bytes:
            raise DeniedError(
                f"{display(path)} would have {len(content)} bytes; at most {self.limits.file_bytes} may",
                rule="size",
            )

    def _put(self, path: Path, content: bytes, before: os.stat_result | None, *, strict: bool) -> None:
        missing = dict.fromkeys(writing.missing_directories(self._root, path[:-1]), 0)
        gone = {path: before.st_size} if before else {}
        with self._accounts.change({**missing, path: len(content)}, gone), self._parent(path) as parent:
            writing.put(parent, path, content, before, strict=strict)
        self.told(Change("written", path))

    def _check_version(self, path: Path, found: os.stat_result, expected: str | None) -> None:
        if expected is None:
            return
        if not removing.is_file(found):
            raise DeniedError(f"{display(path)} is not a file: it has no hash to expect", rule="changed")
        self._check_expected(path, found, expected)

    def _check_expected(self, path: Path, before: os.stat_result | None, expected: str) -> None:
        if before is None:
            _compare(path, "absent", expected)
            return
        digest, hashed = self.sha256(path, limit=1 << 30)
        _compare(path, digest or "too big to be hashed", expected)
        if not writing.same_version(hashed, before):
            raise writing.changed_meanwhile(path)

    def _content(self, parent: int, path: Path, found: os.stat_result) -> dict[Path, int]:
        """What `path` consists of, itself included as (), with sizes; refused when hidden files are in it."""
        if not removing.is_directory(found):
            return {(): found.st_size if removing.is_file(found) else 0}
        try:
            with listing.subdirectory(parent, path[-1]) as descriptor:
                below = listing.content_of(
                    descriptor, names_most=_NAMES_MOST, hides=self._hides, shown=display(path)
                )
        except OSError as error:
            raise read_failure(display(path), error) from None
        return {(): 0, **below}

    def _counts_as_written(self, path: Path) -> bool:
        return self.in_output(path) or path in self._accounts.written

    def sweep(self) -> int:
        """Remove what killed writes left, at start; return how many files."""
        removed = 0
        with suppress(WorkspaceError), self.directory(self.output) as descriptor:
            removed += writing.sweep(descriptor)
        for path in self._accounts.written.directories():
            with suppress(WorkspaceError), self.directory(path) as descriptor:
                removed += writing.sweep(descriptor, depth=0)
        return removed


def _compare(path: Path, found: str, expected: str) -> None:
    if found != expected.lower():
        raise DeniedError(
            f"{display(path)} is not what was expected (now {found}): read it again, then repeat",
            rule="changed",
        )

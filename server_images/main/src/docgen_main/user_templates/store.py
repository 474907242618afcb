"""Templates on the disk: a directory each, in it one file per version, never changed once written.

Theory of operation. Everything is reached from one descriptor, names are checked before they are used, links
are never followed. A version is written as a part file and renamed to its number, so it is there whole or not
at all, and the present version is simply the highest number: there is no second place that could disagree. A
rollback is a new version with an old text. Deleting renames the whole directory to a part name first, so that
a template is gone at once and a kill in between leaves only what `sweep` takes away. Writers of several
processes (old and new server during a deploy share the volume) take turns by a lock on the directory, which
ends with whoever holds it.
"""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from docgen_main.user_templates.errors import (
    ChangedTemplateError,
    RefusedTemplateError,
    TemplateError,
    UnknownTemplateError,
)
from docgen_main.user_templates.names import check_name, is_name
from docgen_main.user_templates.source import SOURCE_BYTES
from docgen_main.user_templates.version import Version, decoded, encoded
from docgen_main.workspace import WorkspaceError, writing
from docgen_main.workspace.tree import Tree

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_VERSION = re.compile(r"(\d{6})\.json")
_FILE_BYTES = 8 * SOURCE_BYTES  # JSON needs six bytes for a control character at worst


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Bounds: how many templates, how many versions of each (older ones go), bytes of all together."""

    templates: int = 200
    versions: int = 50
    bytes: int = 64 << 20


class Store:
    """The templates in directory `folder`, which is made when it is missing. Close it when done.

    Raises OSError when the folder cannot be made or opened. All methods may be called from any thread.
    """

    def __init__(self, folder: str, limits: StoreLimits | None = None) -> None:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)  # noqa: PTH102 - the parent must exist: it is the data volume
        self._root = os.open(folder, _DIRECTORY)
        self._tree = Tree(os.dup(self._root), hides=_not_ours)
        self.limits = limits or StoreLimits()

    def close(self) -> None:
        """Give the descriptors back."""
        self._tree.close()
        os.close(self._root)

    def names(self) -> list[str]:
        """The names of all templates, sorted."""
        return list(self.versions())

    def versions(self) -> dict[str, int]:
        """The present version of every template, by name."""
        with self._tree.directory(()) as descriptor, os.scandir(descriptor) as listing:
            found = sorted(item.name for item in listing if item.is_dir(follow_symlinks=False))
        kept = {name: self.numbers(name) for name in found if is_name(name)}
        return {name: numbers[-1] for name, numbers in kept.items() if numbers}

    def numbers(self, name: str) -> list[int]:
        """The kept versions of `name` in order; none when there is no such template."""
        check_name(name)
        try:
            with self._tree.directory((name,)) as descriptor, os.scandir(descriptor) as listing:
                files = [item.name for item in listing if item.is_file(follow_symlinks=False)]
        except WorkspaceError:
            return []
        return sorted(int(match[1]) for match in map(_VERSION.fullmatch, files) if match)

    def current(self, name: str) -> int:
        """The present version of `name`. Raises `UnknownTemplateError`."""
        numbers = self.numbers(name)
        if not numbers:
            raise UnknownTemplateError(
                f"there is no template {name!r}: templates_list names them", rule="missing"
            )
        return numbers[-1]

    def read(self, name: str, number: int | None = None) -> Version:
        """Version `number` of `name`, or the present one. Raises `UnknownTemplateError`."""
        chosen = self.current(name) if number is None else number
        try:
            raw = self._tree.read((name, _file(chosen)), limit=_FILE_BYTES)
            return decoded(name, chosen, raw)
        except WorkspaceError:
            kept = self.numbers(name)
            if number is None or not kept:
                raise UnknownTemplateError(f"there is no template {name!r}", rule="missing") from None
            raise UnknownTemplateError(
                f"template {name!r} has no version {number}: kept are {kept[0]} to {kept[-1]}", rule="missing"
            ) from None

    def add(self, name: str, source: str, *, expected: int | None, by: str = "", note: str = "") -> Version:
        """Write the next version of `name`; `expected` is the present one (0: there is none), None any.

        Raises `ChangedTemplateError`, `RefusedTemplateError` for a quota, or `TemplateError` when the disk
        refuses; what was there before is intact then.
        """
        check_name(name)
        with self._turn():
            numbers = self.numbers(name)
            present = numbers[-1] if numbers else 0
            _check_expected(name, present, expected)
            made = Version(name, present + 1, _now(), by, note, source)
            content = encoded(made)
            self._check_quota(present == 0, len(content))
            self._write(name, made.number, content)
            self._forget(name, numbers[: max(0, len(numbers) + 1 - self.limits.versions)])
            return made

    def remove(self, name: str, *, expected: int | None) -> int:
        """Delete `name` with all versions; returns the last. Raises as `add`, or `UnknownTemplateError`."""
        with self._turn():
            present = self.current(name)
            _check_expected(name, present, expected)
            part = writing.PART_PREFIX + secrets.token_hex(8)
            try:
                os.rename(name, part, src_dir_fd=self._root, dst_dir_fd=self._root)
                os.fsync(self._root)
            except OSError as error:
                raise _failure(name, error) from None
            _empty(self._root, part)
            return present

    def sweep(self) -> int:
        """Remove what kills left behind, at start; return how many files and directories."""
        with self._turn():
            removed = writing.sweep(self._root, depth=1)
            for item in os.listdir(self._root):  # noqa: PTH208 - by descriptor
                if item.startswith(writing.PART_PREFIX):
                    removed += _empty(self._root, item)
            return removed

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # a descriptor of its own for each turn: the lock belongs to it, so threads take turns as well
        descriptor = os.open(".", _DIRECTORY, dir_fd=self._root)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, name: str, number: int, content: bytes) -> None:
        try:
            parent = writing.make_directories(self._root, (name,))
            try:
                writing.replace(parent, (_file(number),), content)
            finally:
                os.close(parent)
        except WorkspaceError as error:
            raise TemplateError(f"template {name!r}: {error}", rule=error.rule) from None

    def _check_quota(self, new: bool, added: int) -> None:
        names = self.names()
        if new and len(names) >= self.limits.templates:
            raise RefusedTemplateError(
                f"there are {len(names)} templates, which is the quota: delete one that is not needed",
                rule="quota",
            )
        used = sum(entry.size for name in names for entry in self._tree.entries((name,)))
        if used + added > self.limits.bytes:
            raise RefusedTemplateError(
                f"all templates together would have more than {self.limits.bytes} bytes: delete one",
                rule="quota",
            )

    def _forget(self, name: str, numbers: list[int]) -> None:
        with suppress(OSError, WorkspaceError), self._tree.directory((name,)) as parent:
            for number in numbers:
                os.unlink(_file(number), dir_fd=parent)


def _not_ours(name: str) -> bool:
    return name.startswith(".")


def _file(number: int) -> str:
    return f"{min(max(number, 0), 999_999):06}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _check_expected(name: str, present: int, expected: int | None) -> None:
    if expected is None or expected == present:
        return
    now = f"is at version {present}" if present else "does not exist"
    wanted = f"version {expected} was expected" if expected else "it was expected not to exist"
    raise ChangedTemplateError(
        f"template {name!r} {now}, but {wanted}: read it again, then repeat", rule="changed"
    )


def _failure(name: str, error: OSError) -> TemplateError:
    number = error.errno or 0
    cause = {errno.ENOSPC: "the disk is full", errno.EROFS: "the data folder is mounted read-only"}.get(
        number, f"the system refused it ({errno.errorcode.get(number, '?')})"
    )
    return TemplateError(f"template {name!r} was not changed: {cause}", rule="write")


def _empty(root: int, name: str) -> int:
    """Remove directory `name` and the files in it; what cannot be removed stays for the next sweep."""
    removed = 0
    with suppress(OSError):
        below = os.open(name, _DIRECTORY, dir_fd=root)
        try:
            for item in os.listdir(below):  # noqa: PTH208 - by descriptor
                os.unlink(item, dir_fd=below)
                removed += 1
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=root)
        removed += 1
    return removed

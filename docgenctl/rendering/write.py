"""Writing rendered files into a workspace without harming what is not ours.

Theory of operation: everything is looked at before anything is written, so a refusal leaves all files as
they were. Folders are walked descriptor by descriptor without following links, so nothing is written
outside the workspace, whatever links are planted in it. Each file is written beside its place, flushed to
the disk and renamed over the old one: whoever reads, also after a crash, gets the old text or the new one.
The temporary name is fixed for each file, so what a killed run left is replaced by the next.
"""

import errno
import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from docgenctl.model.errors import RefusedError
from docgenctl.rendering.stamp import is_stamped

#: Folder of the rendered files that nobody needs to see at the top of a repository.
FOLDER = ".docgen"
_UNFINISHED = ".docgenctl-new"
_LARGEST_KNOWN = 16 * 1024 * 1024
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class ChangeKind(StrEnum):
    """What writing does, or would do, to a file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One rendered file compared with what lies in the workspace; `diff` is a unified diff, empty if none."""

    path: str
    kind: ChangeKind
    diff: str = ""


def compare_files(directory: Path, files: Mapping[str, str]) -> tuple[FileChange, ...]:
    """What `write_files` would do, sorted by path; nothing is written.

    Raises RefusedError as `write_files` does.
    """
    return tuple(_compare(directory, path, text) for path, text in sorted(files.items()))


def write_files(directory: Path, files: Mapping[str, str]) -> tuple[FileChange, ...]:
    """Bring the files of a workspace to these texts; those that already hold them are not touched.

    Files whose name begins with `.env` get mode 0600, others 0644, folders 0755, whatever the umask is:
    nothing rendered is secret, but people put keys into env files of their own and expect ours alike.

    Args:
        directory: the workspace; it must exist.
        files: relative path with slashes → text.

    Returns:
        What was done to each file, sorted by path.

    Raises:
        RefusedError: something in the way is not ours (a link, a folder, a file without our stamp), or the
            file system does not take the file; the file named still has its old content.
    """
    changes = compare_files(directory, files)
    for change in changes:
        with _errors_named(change.path), _folder(directory, change.path, create=True) as (folder, name):
            mode = _mode(name)
            if change.kind is not ChangeKind.UNCHANGED:
                _replace(folder, name, files[change.path].encode(), mode)
            elif mode == 0o600:
                os.chmod(name, mode, dir_fd=folder)
    return changes


def remove_unfinished(directory: Path) -> None:
    """Remove what a killed run left half written, at the top of the workspace and in our folder there.

    Only for who holds the project's lock. What cannot be removed stays; it harms nothing.
    """
    for path in itertools.chain(directory.glob(".*"), (directory / FOLDER).rglob(".*")):
        if path.name.endswith(_UNFINISHED):
            with suppress(OSError):
                path.unlink()


def _mode(name: str) -> int:
    return 0o600 if name.startswith(".env") else 0o644


def _compare(directory: Path, path: str, text: str) -> FileChange:
    with _errors_named(path):
        old = _read(directory, path)
    if old is None:
        return FileChange(path, ChangeKind.CREATED, _diff(path, "", text))
    if old == text:
        return FileChange(path, ChangeKind.UNCHANGED)
    if not is_stamped(old):
        raise RefusedError(
            f"{path} was not written by docgenctl",
            hint=f"move it away (mv {path} {path}.mine) and run the command again",
            code="foreign_file",
        )
    return FileChange(path, ChangeKind.CHANGED, _diff(path, old, text))


def _diff(path: str, old: str, new: str) -> str:
    before = f"a/{path}" if old else "/dev/null"
    lines = unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), before, f"b/{path}")
    return "".join(lines)


def _read(directory: Path, path: str) -> str | None:
    """The text that lies there, None where nothing does; bytes that are not UTF-8 are kept as surrogates."""
    try:
        with _folder(directory, path, create=False) as (folder, name):
            descriptor = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _in_the_way(path, "it is not a regular file")
        if status.st_size > _LARGEST_KNOWN:
            raise _in_the_way(path, "it is far too large to be one of ours")
        return file.read().decode("utf-8", "surrogateescape")


@contextmanager
def _folder(directory: Path, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that a file lies in, and the file's name there."""
    *folders, name = path.split("/")
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            if create:
                _make_folder(descriptor, part)
            below = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor, name
    finally:
        os.close(descriptor)


def _make_folder(parent: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=parent)
        os.chmod(name, 0o755, dir_fd=parent)  # noqa: S103 - public content, whatever the umask


def _replace(folder: int, name: str, content: bytes, mode: int) -> None:
    temporary = f".{name.lstrip('.')}{_UNFINISHED}"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


@contextmanager
def _errors_named(path: str) -> Iterator[None]:
    """Turns what the operating system says into an error that names the file and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise _in_the_way(path, "a link or file stands in its way") from error
        raise RefusedError(
            f"{path} cannot be written: {os.strerror(error.errno or errno.EIO)}",
            hint=_HINTS.get(error.errno or 0, "check the file and the folder it lies in"),
            code="not_writable",
        ) from error


_HINTS = {
    errno.ENOSPC: "free some disk space and run the command again; the previous file is intact",
    errno.EDQUOT: "free some of your quota and run the command again; the previous file is intact",
    errno.EROFS: "the file system is mounted read-only; work in a writable copy of the repository",
    errno.EACCES: "give yourself write permission for the folder, or run as its owner",
    errno.EPERM: "give yourself write permission for the folder, or run as its owner",
    errno.ENOENT: "check that the project directory still exists",
}


def _in_the_way(path: str, reason: str) -> RefusedError:
    return RefusedError(
        f"{path} cannot be written: {reason}",
        hint=f"look at what is there (ls -ld {path}) and move it away",
        code="in_the_way",
    )

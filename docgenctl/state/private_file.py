"""Files for one pair of eyes, replaced as a whole: readers see the old or the new content, never a half."""

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

from docgenctl.model.errors import RefusedError

_LEFTOVER_AGE_S = 3600


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by a file of mode 0600 with `data`, on disk when this returns.

    The old file stays until the rename, which is atomic (POSIX rename(2)); a crash leaves at most a temporary
    file, which a later write sweeps. Raises RefusedError when a link or no regular file lies at `path`, or
    when it cannot be written (`error.code` is `state_unwritable`).
    """
    _refuse_irregular(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write_through(temporary, data)
        temporary.rename(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be written: {error.strerror}; its old content is intact",
            hint="make room or permit writing there, then run the command again",
            code="state_unwritable",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    _sweep(path)


def read_private(path: Path) -> bytes | None:
    """The content of a file that only its owner may read, None when there is none.

    Raises RefusedError for links, for what is no regular file and for files that others own or may read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        _refuse_irregular(path)
        raise RefusedError(f"{path} cannot be read: {error.strerror}", hint=f"chmod 600 {path}") from None
    try:
        _refuse_exposed(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _refuse_exposed(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _irregular(path)
    if status.st_uid != os.geteuid():
        raise RefusedError(
            f"{path} belongs to uid {status.st_uid}, and this is uid {os.geteuid()}",
            hint="run the command as its owner",
        )
    if status.st_mode & 0o077:
        raise RefusedError(
            f"{path} is open to others (mode {status.st_mode & 0o777:04o})", hint=f"chmod 600 {path}"
        )


def _refuse_irregular(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _irregular(path)


def _irregular(path: Path) -> RefusedError:
    noun = "a link" if path.is_symlink() else "no regular file"
    return RefusedError(f"{path} is {noun}, and nothing is read or written through it", hint=f"rm -r {path}")


def _write_through(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # the umask may have taken bits from the owner
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what writers of the same file left when they were killed; young ones may be at work still."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.lstat().st_mtime > _LEFTOVER_AGE_S:
                leftover.unlink()

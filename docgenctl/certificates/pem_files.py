"""PEM files in the project's private state directory: never through links, never half written."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from docgenctl.model.errors import ConfigurationError, RefusedError

PRIVATE = 0o600
PUBLIC = 0o644
_LARGEST = 1024 * 1024


def read_pem(path: Path, *, private: bool) -> bytes | None:
    """The file's content, None when there is none.

    Raises RefusedError for links, special files, other owners and, for private ones, open modes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise refused(path, "is a symbolic link", f"Remove it: rm {path}") from None
        raise unusable(path, error) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise refused(path, "is not a plain file", f"Look into it, then move it away: mv {path} …")
        if found.st_uid != os.geteuid():
            raise refused(
                path, f"belongs to uid {found.st_uid}", f"If it is yours: chown {os.geteuid()} {path}"
            )
        if private and stat.S_IMODE(found.st_mode) & 0o077:
            raise refused(path, "is open to others", f"If nobody else read it: chmod 600 {path}")
        return os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)


def create(path: Path, content: bytes, mode: int) -> None:
    """Write a new file with exactly that mode. Raises FileExistsError and other OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PRIVATE), "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Replace a private file in one step. Raises ConfigurationError; the old content is then still there."""
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.new")
    try:
        create(temporary, content, PRIVATE)
        temporary.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise unusable(path, error) from None


def sync_directory(path: Path) -> None:
    """Make renames in the directory survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refused(path: Path, what: str, hint: str) -> RefusedError:
    """The error for a file that somebody else may have made or read."""
    return RefusedError(f"{path} {what}", hint=hint)


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """The error for a full, read-only or closed state directory."""
    return ConfigurationError(
        f"{path}: {error.strerror or type(error).__name__}",
        code="state_unusable",
        hint="The state directory needs free space and must be writable by you.",
    )

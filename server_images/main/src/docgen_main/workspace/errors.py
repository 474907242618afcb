"""What can go wrong with a path, in words that are safe to send to a client: no host paths."""

import errno


class WorkspaceError(Exception):
    """A path could not be used. `str()` is safe to show; `rule` names the rule for the audit line."""

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class DeniedError(WorkspaceError):
    """A rule forbids it, whatever is there."""


class MissingError(WorkspaceError):
    """Nothing of that name, or not something that can be opened that way."""


class WriteError(WorkspaceError):
    """The disk, a quota or a mount refused the write; what was there before is intact."""


_WRITE_CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "it is mounted read-only",
    errno.EACCES: "this server's user may not write there",
    errno.EPERM: "this server's user may not write there",
    errno.EXDEV: "source and target are on different disks; read it, write it there and delete it here",
    errno.EIO: "the disk reports an input/output error",
}


def write_failure(shown: str, error: OSError, done: str = "written") -> WriteError:
    """Say why `shown` was not `done`, from the errno alone (an OSError's own text carries host paths)."""
    number = error.errno or 0
    cause = _WRITE_CAUSES.get(number, f"the system refused it ({errno.errorcode.get(number, '?')})")
    return WriteError(f"{shown} was not {done}: {cause}. What was there before is unchanged.", rule="write")


def read_failure(shown: str, error: OSError) -> WorkspaceError:
    """Say why opening `shown` failed; a link anywhere on the way is a denial, not a missing file."""
    match error.errno:
        case errno.ENOENT:
            return MissingError(f"{shown} does not exist", rule="missing")
        case errno.ELOOP | errno.EMLINK:
            return DeniedError(
                f"{shown} is, or lies behind, a symbolic link; links are not followed", rule="symlink"
            )
        case errno.ENOTDIR:
            return MissingError(f"{shown} does not exist: a part of it is not a directory", rule="missing")
        case errno.EACCES | errno.EPERM:
            return DeniedError(f"{shown} cannot be read by this server's user", rule="permission")
        case errno.ENXIO | errno.ENODEV:
            return DeniedError(f"{shown} is not a regular file", rule="special")
        case errno.ENAMETOOLONG:
            return DeniedError(f"{shown} has a part longer than 255 bytes", rule="length")
        case other:
            return MissingError(
                f"{shown} cannot be opened ({errno.errorcode.get(other or 0, '?')})", rule="open"
            )

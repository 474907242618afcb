"""Writing docgen.yaml: the old file or the new one, never half of it, and never over somebody else's change.

The new text is written beside the file, flushed and renamed over it. Mode and owner stay those of the old
file. A link is followed: what it leads to is replaced, the link stays. The directory is locked from reading
to writing, so that two commands take turns; editors know nothing of that lock, so the old content is
compared once more at the last moment. During a rehearsal (see `rehearsal`) nothing of this is done on the
disk, and nobody is waited for.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.model.errors import RefusedError

#: Nobody writes a larger settings file by hand.
_LARGEST = 1024 * 1024


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Hold the directory's lock; other commands that change a file in it wait. Raises RefusedError."""
    if current_rehearsal() is not None:
        yield
        return
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_writable(path, error) from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def replace_file(
    path: Path, old: bytes | None, new: bytes, *, limit: int = _LARGEST, mode: int = 0o644
) -> None:
    """Put `new` in the place of `old` (None: of no file); `mode` is that of a file that was not there.

    Raises RefusedError when the file is not `old` any more (`changed_meanwhile`) or cannot be written
    (`not_writable`); it is untouched then.
    """
    target = Path(os.path.realpath(path))
    if sheet := current_rehearsal():
        sheet.files[target] = new
        return
    temporary = target.with_name(f".{target.name}.docgenctl-new")
    try:
        before = target.stat() if old is not None else None
        with suppress(FileNotFoundError):
            temporary.unlink()
        _write(temporary, new, before, mode)
        _refuse_changed(path, old, limit)
        temporary.rename(target)
    except OSError as error:
        raise _not_writable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove_file(path: Path, old: bytes | None = None, *, limit: int = _LARGEST) -> None:
    """Remove a file, if it is there; a link goes, and what it leads to stays. With `old`, only that content.

    Raises RefusedError when it is not `old` any more (`changed_meanwhile`) or stays (`not_writable`).
    """
    if sheet := current_rehearsal():
        sheet.files[Path(os.path.realpath(path))] = None
        return
    if old is not None:
        _refuse_changed(path, old, limit)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from None


def _refuse_changed(path: Path, old: bytes | None, limit: int) -> None:
    if read_bounded(path, limit) != old:
        raise RefusedError(
            f"{path} was changed by somebody else in the meantime",
            hint="look at it, then run the command again",
            code="changed_meanwhile",
        )


def _write(path: Path, content: bytes, before: os.stat_result | None, mode: int) -> None:
    mode = stat.S_IMODE(before.st_mode) if before else mode
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        if before is not None:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):  # only root may give files away
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _not_writable(path: Path, error: OSError) -> RefusedError:
    return RefusedError(
        f"{path} cannot be written: {error.strerror}; nothing was changed",
        hint=f"make {path.parent} writable for you and see that its disk is not full, then try again",
        code="not_writable",
    )

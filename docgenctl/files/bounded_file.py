"""Reading small files that people wrote, without trusting what lies at the path."""

import os
import stat
from pathlib import Path

from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.model.errors import ConfigurationError, Problem


def read_bounded(path: Path, limit: int) -> bytes | None:
    """The bytes of a regular file, or None when there is no file; in a rehearsal what it would be by then.

    Never blocks: FIFOs and devices are refused before a read. Raises ConfigurationError for anything but a
    readable regular file of at most `limit` bytes.
    """
    if (sheet := current_rehearsal()) and (target := Path(os.path.realpath(path))) in sheet.files:
        return sheet.files[target]
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise _unreadable(
                path,
                "is a link to something that does not exist",
                "make what it leads to, or remove the link",
            ) from None
        return None
    except OSError as error:
        raise _unreadable(
            path, f"cannot be read ({error.strerror})", f"ls -l {path} shows who may read it"
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "is not a regular file", "put a text file in its place")
        if status.st_size > limit:
            raise _too_large(path, limit)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:  # it grew meanwhile
        raise _too_large(path, limit)
    return data


def single_problem(problem: Problem) -> ConfigurationError:
    """The error that consists of this one mistake."""
    return ConfigurationError(str(problem), problems=(problem,), hint=problem.hint)


def _too_large(path: Path, limit: int) -> ConfigurationError:
    return _unreadable(path, f"is larger than {limit // 1024} KiB", "keep only settings in it")


def _unreadable(path: Path, message: str, hint: str) -> ConfigurationError:
    return single_problem(Problem(file=path.name, line=0, key_path="", message=message, hint=hint))

"""Writing a file so that a reader, a full disk or a kill sees the old content or the new, never a mixture.

The new content goes into a part file in the same directory, reached by the same descriptor, is flushed to
the disk, and takes the name by rename. A part file that a kill leaves behind has a name of its own and is
swept at the next start.
"""

import os
import secrets
import stat
from contextlib import suppress

from docgen_main.workspace.errors import DeniedError, write_failure
from docgen_main.workspace.names import Path, display

PART_PREFIX = ".docgen-part-"
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(parent: int, path: Path, content: bytes) -> None:
    """Make `content` the file `path[-1]` of directory `parent`, or raise and change nothing."""
    mode = _mode_of_existing(parent, path)
    part = PART_PREFIX + secrets.token_hex(8)
    try:
        descriptor = os.open(part, CREATE, 0o644, dir_fd=parent)
    except OSError as error:
        raise write_failure(display(path), error) from None
    try:
        try:
            if mode is not None:
                os.fchmod(descriptor, mode)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(part, path[-1], src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(part, dir_fd=parent)
        if isinstance(error, OSError):
            raise write_failure(display(path), error) from None
        raise


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _mode_of_existing(parent: int, path: Path) -> int | None:
    """Permission bits of the file to be replaced, or None; anything but a plain file is denied."""
    try:
        found = os.stat(path[-1], dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise write_failure(display(path), error) from None
    if stat.S_ISLNK(found.st_mode):
        raise DeniedError(f"{display(path)} is a symbolic link; links are not followed", rule="symlink")
    if not stat.S_ISREG(found.st_mode):
        raise DeniedError(f"{display(path)} exists and is not a regular file", rule="special")
    if found.st_nlink > 1:
        raise DeniedError(
            f"{display(path)} has other names (hard links); it is not replaced", rule="hardlink"
        )
    return stat.S_IMODE(found.st_mode) & 0o777


def make_directories(root: int, path: Path) -> int:
    """Open directory `path` below descriptor `root`, making what is missing; the caller closes the result."""
    descriptor = os.dup(root)
    try:
        for depth, name in enumerate(path):
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=descriptor)
            try:
                following = os.open(name, _DIRECTORY, dir_fd=descriptor)
            except NotADirectoryError:
                shown = display(path[: depth + 1])
                raise DeniedError(f"{shown} is a file or a link, not a directory", rule="symlink") from None
            os.close(descriptor)
            descriptor = following
    except OSError as error:
        os.close(descriptor)
        raise write_failure(display(path), error) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def sweep(directory: int, *, depth: int = 8) -> int:
    """Remove part files left by a kill, below descriptor `directory`; return how many."""
    removed = 0
    with os.scandir(directory) as listing:
        items = list(listing)
    for item in items:
        with suppress(OSError):  # sweeping is a courtesy: what cannot be removed stays
            if item.name.startswith(PART_PREFIX) and item.is_file(follow_symlinks=False):
                os.unlink(item.name, dir_fd=directory)
                removed += 1
            elif depth and item.is_dir(follow_symlinks=False):
                below = os.open(item.name, _DIRECTORY, dir_fd=directory)
                try:
                    removed += sweep(below, depth=depth - 1)
                finally:
                    os.close(below)
    return removed

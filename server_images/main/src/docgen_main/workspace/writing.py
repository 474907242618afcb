"""Writing a file so that a reader, a full disk or a kill sees the old content or the new, never a mixture.

The new content goes into a part file in the same directory, reached by the same descriptor, is flushed to
the disk, and takes the name by rename. A part file that a kill leaves behind has a name of its own and is
swept at the next start.
"""

import os
import secrets
import stat
from contextlib import suppress

from docgen_main.workspace.errors import DeniedError, WorkspaceError, write_failure
from docgen_main.workspace.listing import DIRECTORY, subdirectory
from docgen_main.workspace.names import Path, display
from docgen_main.workspace.renaming import rename, rename_new

PART_PREFIX = ".docgen-part-"
NEW_MODE = 0o644
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(parent: int, path: Path, content: bytes) -> None:
    """Make `content` the file `path[-1]` of directory `parent`, whatever plain file has the name now."""
    put(parent, path, content, present(parent, path), strict=False)


def put(parent: int, path: Path, content: bytes, before: os.stat_result | None, *, strict: bool) -> None:
    """Make `content` the file `path[-1]` of directory `parent`, or raise and change nothing.

    `before` is what `present` said. When `strict`, a file that somebody else made, changed or removed since
    is left alone; otherwise whoever writes last wins.
    """
    part = PART_PREFIX + secrets.token_hex(8)
    try:
        descriptor = os.open(part, CREATE, NEW_MODE, dir_fd=parent)
    except OSError as error:
        raise write_failure(display(path), error) from None
    try:
        try:
            # Said outright, because a process of a stack without containers has a umask for secrets.
            os.fchmod(descriptor, NEW_MODE if before is None else stat.S_IMODE(before.st_mode) & 0o777)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _take_name(parent, part, path, before, strict=strict)
        os.fsync(parent)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(part, dir_fd=parent)
        if isinstance(error, OSError):
            raise write_failure(display(path), error) from None
        raise


def _take_name(parent: int, part: str, path: Path, before: os.stat_result | None, *, strict: bool) -> None:
    if strict and before is None:
        try:
            rename_new(parent, part, parent, path[-1])
        except FileExistsError:
            raise changed_meanwhile(path) from None
        return
    now = present(parent, path)
    if strict and before and not (now and same_version(now, before)):
        raise changed_meanwhile(path)
    rename(parent, part, parent, path[-1])


def same_version(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two looks at a file saw the same file with the same content."""
    return (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
        other.st_ctime_ns,
    )


def changed_meanwhile(path: Path) -> DeniedError:
    """What to tell when somebody else was quicker."""
    return DeniedError(
        f"{display(path)} was changed by somebody else just now: read it again", rule="changed"
    )


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def present(parent: int, path: Path) -> os.stat_result | None:
    """The file that has the name now, or None; anything but a plain file with one name is denied."""
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
    return found


def missing_directories(root: int, path: Path) -> tuple[Path, ...]:
    """Which directories on the way to `path` below descriptor `root` are not there, from the top down."""
    descriptor = os.dup(root)
    try:
        for depth, name in enumerate(path):
            try:
                following = os.open(name, DIRECTORY, dir_fd=descriptor)
            except FileNotFoundError:
                return tuple(path[: end + 1] for end in range(depth, len(path)))
            except OSError:
                return ()  # whoever opens it will say what is wrong
            os.close(descriptor)
            descriptor = following
        return ()
    finally:
        os.close(descriptor)


def make_directories(root: int, path: Path) -> int:
    """Open directory `path` below descriptor `root`, making what is missing; the caller closes the result."""
    descriptor = os.dup(root)
    try:
        for depth, name in enumerate(path):
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=descriptor)
            try:
                following = os.open(name, DIRECTORY, dir_fd=descriptor)
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


def sweep(directory: int, *, depth: int = 64) -> int:
    """Remove part files left by a kill, in descriptor `directory` and `depth` levels below; return how many.

    Sweeping is a courtesy: what cannot be removed stays.
    """
    removed = 0
    with os.scandir(directory) as listing:
        items = list(listing)
    for item in items:
        with suppress(OSError, WorkspaceError):
            if item.name.startswith(PART_PREFIX) and item.is_file(follow_symlinks=False):
                os.unlink(item.name, dir_fd=directory)
                removed += 1
            elif depth and item.is_dir(follow_symlinks=False):
                with subdirectory(directory, item.name) as below:
                    removed += sweep(below, depth=depth - 1)
    return removed

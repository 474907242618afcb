"""Reading and writing files that only their owner may see.

A file is written under a second name in the same directory and renamed over the first, so that a reader
or a crash meets the old value or the new one, never half of it. The directory is locked meanwhile, which
lets the second name be a fixed one: what a killed writer left is overwritten by the next. Everything is
done relative to a descriptor of the directory and without following links, so a link planted at the
target is refused, not followed. Modes are set on the open file: the umask has no say. During a rehearsal
(see `rehearsal`) nothing of this is written to the disk.
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.model.errors import RefusedError

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700
_UNFINISHED = ".new"
_LARGEST = 16 * 1024 * 1024


def make_private_directory(path: Path) -> None:
    """Make the directory 0700 if it is missing. Raises RefusedError when something else is there."""
    if (sheet := current_rehearsal()) and not os.path.lexists(path):
        sheet.directories.add(path)
        return
    try:
        path.mkdir(mode=_DIRECTORY_MODE)
        path.chmod(_DIRECTORY_MODE)
    except FileExistsError:
        pass
    except OSError as error:
        raise unusable(path, error) from None
    _check_directory(path, path.lstat())


def private_directory_exists(path: Path) -> bool:
    """Whether it is there. Raises RefusedError when it is no directory of ours that is closed to others."""
    if (sheet := current_rehearsal()) and path in sheet.directories:
        return True
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, error) from None
    _check_directory(path, found)
    return True


def read_private(path: Path) -> bytes | None:
    """The file's content, None when there is none.

    Raises RefusedError when it is no plain file of ours that nobody else can read.
    """
    if sheet := current_rehearsal():
        if path in sheet.files:
            return sheet.files[path]
        if not os.path.lexists(path.parent):
            return None
    with _directory(path.parent) as directory:
        try:
            descriptor = os.open(
                path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            _check_target(path, directory)
            raise unusable(path, error) from None
        try:
            _check_file(path, os.fstat(descriptor))
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(_LARGEST + 1)
        except OSError as error:
            raise unusable(path, error) from None
        finally:
            os.close(descriptor)
    if len(content) > _LARGEST:
        raise RefusedError(f"{path} is larger than any file of ours", hint=f"Look into it, then: rm {path}")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace the file's content in one step; 0600 from its first moment.

    Raises RefusedError when the target is a link or not ours alone, and (`state_unwritable`) when the disk
    is full or read-only; the old content is then still there.
    """
    if sheet := current_rehearsal():
        sheet.files[path] = content
        return
    with _directory(path.parent) as directory:
        _lock(path, directory)
        _check_target(path, directory)
        temporary = f".{path.name}{_UNFINISHED}"
        try:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            _write_new(temporary, content, directory)
            os.rename(temporary, path.name, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise unusable(path, error) from None


def remove_unfinished(root: Path) -> None:
    """Remove what killed writers left in a directory of ours and the ones in it.

    Only for who holds the project's lock. Single files may be written without it, but only under their
    directory's, which is taken here. What cannot be removed stays: its next writer replaces it.
    """
    folders = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        if _is_unfinished(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (root, *(path for path in folders if not _is_unfinished(path.name))):
        if any(folder.glob(f".*{_UNFINISHED}")):
            with suppress(RefusedError, OSError), _directory(folder) as directory:
                _lock(folder, directory)
                for path in folder.glob(f".*{_UNFINISHED}"):
                    os.unlink(path.name, dir_fd=directory)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(_UNFINISHED)


def make_private_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory that comes into being with all of these files in it, or not at all.

    One that is there already is left as it is: somebody else was quicker. Raises RefusedError
    (`state_unwritable`) when the disk is full or read-only.
    """
    if sheet := current_rehearsal():
        sheet.directories.add(path)
        sheet.files |= {path / name: content for name, content in files.items()}
        return
    fresh: Path | None = None
    try:
        import tempfile  # with `random` and more, for the one caller that makes a directory

        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent))
        fresh.chmod(_DIRECTORY_MODE)
        for name, content in files.items():
            write_private(fresh / name, content)
        sync_directory(fresh)
        fresh.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        if not path.is_dir():
            raise unusable(path, error) from None


def sync_directory(path: Path) -> None:
    """Make renames in the directory survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_private(path: Path) -> bool:
    """Remove the file; False when there is none. A link is removed, not what it points to."""
    if sheet := current_rehearsal():
        there = sheet.files.get(path) is not None or (path not in sheet.files and os.path.lexists(path))
        sheet.files[path] = None
        return there
    with _directory(path.parent) as directory:
        _lock(path, directory)
        try:
            os.unlink(path.name, dir_fd=directory)
            os.fsync(directory)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unusable(path, error) from None
    return True


def _write_new(name: str, content: bytes, directory: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, _FILE_MODE, dir_fd=directory), "wb") as file:
        os.fchmod(file.fileno(), _FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise _link(path) from None
        raise unusable(path, error) from None
    try:
        _check_directory(path, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(path: Path, directory: int) -> None:
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
    except OSError as error:
        raise unusable(path, error) from None


def _check_target(path: Path, directory: int) -> None:
    try:
        found = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    _check_file(path, found)


def _check_file(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _link(path)
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(
            f"{path} is not a plain file", hint=f"Look into it, then move it away: mv {path} …"
        )
    _check_owner_and_mode(path, found, _FILE_MODE)


def _check_directory(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _link(path)
    if not stat.S_ISDIR(found.st_mode):
        raise RefusedError(f"{path} is not a directory", hint=f"Look into it, then move it away: mv {path} …")
    _check_owner_and_mode(path, found, _DIRECTORY_MODE)


def _check_owner_and_mode(path: Path, found: os.stat_result, mode: int) -> None:
    if found.st_uid != os.geteuid():
        raise RefusedError(
            f"{path} belongs to uid {found.st_uid}, not to you (uid {os.geteuid()})",
            hint=f"Take it back if it is yours: chown {os.geteuid()} {path}",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise RefusedError(
            f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"If nobody else read it: chmod {mode:o} {path}",
        )


def _link(path: Path) -> RefusedError:
    return RefusedError(
        f"{path} is a symbolic link, and nothing is read or written through it", hint=f"Remove it: rm {path}"
    )


def unusable(path: Path, error: OSError) -> RefusedError:
    """The error for a full, read-only or closed place; what was there before is still there."""
    return RefusedError(
        f"{path} cannot be used: {error.strerror or type(error).__name__}; its old content is intact",
        code="state_unwritable",
        hint="make room there and see that it is writable by you, then run the command again",
    )

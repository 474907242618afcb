"""Removing names by descriptor: never what a link points to, never what is hidden."""

import os
import stat
from collections.abc import Callable

from docgen_main.workspace.errors import DeniedError, write_failure
from docgen_main.workspace.listing import subdirectory
from docgen_main.workspace.names import Path, display

Hides = Callable[[str], bool]


def remove_file(parent: int, path: Path, _: Hides) -> None:
    """Remove the file or link `path[-1]` of directory `parent`."""
    try:
        os.unlink(path[-1], dir_fd=parent)
        os.fsync(parent)
    except OSError as error:
        raise write_failure(display(path), error, "deleted") from None


def remove_directory(parent: int, path: Path, hides: Hides) -> None:
    """Remove directory `path[-1]` of `parent` with what is in it; stops at a hidden name that just came."""
    try:
        with subdirectory(parent, path[-1]) as descriptor:
            _empty(descriptor, hides)
        os.rmdir(path[-1], dir_fd=parent)
        os.fsync(parent)
    except OSError as error:
        raise write_failure(display(path), error, "deleted as a whole") from None


def _empty(descriptor: int, hides: Hides) -> None:
    with os.scandir(descriptor) as listing:
        items = list(listing)
    for item in items:
        if hides(item.name):
            continue  # the directory stays, and removing it says so
        if item.is_dir(follow_symlinks=False):
            with subdirectory(descriptor, item.name) as below:
                _empty(below, hides)
            os.rmdir(item.name, dir_fd=descriptor)
        else:
            os.unlink(item.name, dir_fd=descriptor)


def is_directory(found: os.stat_result) -> bool:
    """Whether that is a directory itself, not a link to one."""
    return stat.S_ISDIR(found.st_mode)


def is_file(found: os.stat_result) -> bool:
    """Whether that is a regular file."""
    return stat.S_ISREG(found.st_mode)


def check_kind(found: os.stat_result, path: Path) -> None:
    """Deny devices, FIFOs and sockets: they belong to a program that is using them."""
    if not (is_directory(found) or is_file(found) or stat.S_ISLNK(found.st_mode)):
        raise DeniedError(f"{display(path)} is not a regular file", rule="special")

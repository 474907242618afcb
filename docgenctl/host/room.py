"""Is there room for what a command is about to write? Asked before it begins."""

import os
from collections.abc import Iterable
from pathlib import Path

from docgenctl.model.errors import RefusedError

#: Rendered files and state are a tenth of this; the rest is for what else happens on the disk meanwhile.
_BYTES = 1024 * 1024
_INODES = 64


def refuse_without_room(directories: Iterable[Path]) -> None:
    """Raises RefusedError (`disk_full`) when a directory's file system has next to nothing left for us."""
    for directory in directories:
        found = os.statvfs(directory)
        free = found.f_bavail * found.f_frsize
        if free < _BYTES:
            raise RefusedError(
                f"{directory} has {free // 1024} KiB free, and needs {_BYTES // 1024} KiB to work safely",
                hint=f"make room: df -h {directory}",
                code="disk_full",
            )
        if found.f_files and found.f_favail < _INODES:  # some file systems do not count them
            raise RefusedError(
                f"{directory} has {found.f_favail} inodes free, and needs {_INODES} to work safely",
                hint=f"remove files: df -i {directory}",
                code="disk_full",
            )

"""How much room a place has: bytes and inodes of its file system, and whether it can be written."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left for us where `place` is or would be made; `inodes` is None where they are not counted."""

    place: Path
    device: int
    free_bytes: int
    inodes: int | None
    read_only: bool
    writable: bool


def room_at(path: Path) -> Room:
    """The room of the nearest directory upwards that exists. Raises OSError when it cannot be asked."""
    place = next(parent for parent in (path, *path.parents) if parent.exists())
    found = os.statvfs(place)
    return Room(
        place=place,
        device=place.stat().st_dev,
        free_bytes=found.f_bavail * found.f_frsize,
        inodes=found.f_favail if found.f_files else None,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        writable=os.access(place, os.W_OK | os.X_OK),
    )

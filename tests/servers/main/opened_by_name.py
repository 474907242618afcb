"""Seeing that something is opened by its path, which no guard can make safe."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_EVENTS = frozenset(
    {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.link", "os.symlink", "os.mkdir"}
    | {"os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.copyfile", "shutil.rmtree"}
)
_watched: list[tuple[tuple[str, ...], list[str]]] = []
_installed = False


@contextmanager
def opened_by_name(*folders: str) -> Iterator[list[str]]:
    """Collect, inside the block, every path below `folders` that is used as a whole, in whatever thread."""
    global _installed
    if not _installed:
        sys.addaudithook(_hear)
        _installed = True
    seen: list[str] = []
    watch = (folders, seen)
    _watched.append(watch)
    try:
        yield seen
    finally:
        _watched.remove(watch)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _watched or event not in _EVENTS:
        return
    for argument in arguments[:2]:
        if isinstance(argument, (str, bytes)):
            path = os.fsdecode(argument)
            for folders, seen in _watched:
                if path.startswith(folders):
                    seen.append(f"{event} {path}")

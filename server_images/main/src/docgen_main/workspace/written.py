"""Which files this server wrote outside the output folder, so that a quota can hold for them.

The output folder is counted by looking at all of it. In a workspace that is writable everywhere most files
are the user's, so there the paths that this server made are remembered: in memory, and one a line in a file
of the data volume, so that they count after a restart as well. A path is noted before it is written: a kill
in between leaves a note too many, never one too few.
"""

import json
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path as HostPath

from docgen_main.workspace.errors import WorkspaceError, WriteError
from docgen_main.workspace.names import Path, parse
from docgen_main.workspace.quota import Usage

_LINES_MOST = 50_000
_BYTES_MOST = 64 << 20

Look = Callable[[Path], os.stat_result | None]


class Written:
    """Paths with their last known sizes; kept in `place` unless that is None.

    `look` gives the status of a path without following links, None when it is gone.
    """

    def __init__(self, place: str | None, look: Look) -> None:
        self._place = HostPath(place) if place else None
        self._look = look
        self._sizes: dict[Path, int] = {}
        self._lines = 0
        self._load()

    def __contains__(self, path: Path) -> bool:
        return path in self._sizes

    def size(self, path: Path) -> int:
        """Bytes that `path` counts for; 0 when it is not noted."""
        return self._sizes.get(path, 0)

    def directories(self) -> set[Path]:
        """Where noted paths lie."""
        return {path[:-1] for path in self._sizes}

    def note(self, paths: Iterable[Path]) -> None:
        """Remember `paths`, which are about to be written. Raises `WriteError` when that cannot be kept."""
        new = [path for path in paths if path not in self._sizes]
        if not new:
            return
        if self._lines + len(new) > _LINES_MOST:
            self._rewrite()
        self._append(new)
        self._sizes.update(dict.fromkeys(new, 0))

    def sized(self, path: Path, size: int) -> None:
        """Set what `path` counts for."""
        self._sizes[path] = size

    def forget(self, path: Path) -> None:
        """Drop `path`."""
        self._sizes.pop(path, None)

    def measure(self) -> Usage:
        """Look at each path again, drop those that are gone, and add up the rest."""
        present: dict[Path, int] = {}
        for path in self._sizes:
            found = self._look(path)
            if found is not None:
                present[path] = found.st_size if stat.S_ISREG(found.st_mode) else 0
        self._sizes = present
        return Usage(sum(present.values()), len(present))

    def _load(self) -> None:
        if self._place is None:
            return
        with suppress(OSError), self._place.open("rb") as file:
            for line in file.read(_BYTES_MOST).splitlines():
                path = _path_of(line)
                if path:
                    self._sizes[path] = 0
        self.measure()
        self._rewrite()

    def _append(self, paths: Iterable[Path]) -> None:
        if self._place is None:
            return
        try:
            with self._place.open("ab") as file:
                for path in paths:
                    file.write(json.dumps(path).encode() + b"\n")
                    self._lines += 1
        except OSError:
            raise WriteError(
                "nothing was written: the list of written files cannot be kept in the data folder",
                rule="quota",
            ) from None

    def _rewrite(self) -> None:
        """Leave only what is still known in the file; when that is impossible the longer one stays."""
        if self._place is None:
            return
        fresh = self._place.with_name(self._place.name + ".new")
        with suppress(OSError):
            fresh.write_bytes(b"".join(json.dumps(path).encode() + b"\n" for path in self._sizes))
            fresh.replace(self._place)
            self._lines = len(self._sizes)


def _path_of(line: bytes) -> Path | None:
    """The path that a line of the file names; None for one that a kill cut off, or anything odd."""
    with suppress(ValueError, TypeError, WorkspaceError):
        names = tuple(json.loads(line))
        if parse("/".join(names)) == names:
            return names
    return None

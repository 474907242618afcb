"""A bounded table of bytes by key in one SQLite file, which may be lost at any time."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_AT_ONCE = 500
_DAY_S = 86_400
_SCHEMA = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB NOT NULL, day INTEGER NOT NULL)"


class Database:
    """Bytes by key in the file at `path`, at most about `most` bytes of them; those unused longest go first.

    Every failure of the disk or the file means the same: nothing is known, nothing is kept. Not for several
    threads at once; which one uses it may change.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._connection: sqlite3.Connection | None = None
        self._given_up = False

    def load(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are there among `keys`."""
        import sqlite3

        found: dict[bytes, bytes] = {}
        try:
            connection = self._opened()
            if connection is None:
                return found
            for some in _batches(keys):
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, value, day FROM kept WHERE key IN ({marks})", some)  # noqa: S608
                old = []
                for key, value, day in rows:
                    found[key] = value
                    if day != _today():
                        old.append((_today(), key))
                if old:
                    with connection:
                        connection.executemany("UPDATE kept SET day = ? WHERE key = ?", old)
        except sqlite3.Error:
            self._begin_anew()
        return found

    def save(self, values: Mapping[bytes, bytes]) -> None:
        """Keep `values`, all or none."""
        import sqlite3

        try:
            connection = self._opened()
            if connection is None:
                return
            with connection:
                rows = [
                    (key, value, _today()) for key, value in values.items() if len(value) < self._most // 8
                ]
                connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)
                self._trim(connection)
        except sqlite3.Error:
            self._begin_anew()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> "sqlite3.Connection | None":
        import sqlite3

        if self._connection is None and not self._given_up:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError:
                self._given_up = True
                return None
            connection = sqlite3.connect(self._path, timeout=2, check_same_thread=False)
            self._connection = connection
            # a cache need not survive a power cut, and the journal of a killed process is rolled back
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -1024")
            connection.execute(f"PRAGMA max_page_count = {2 * self._most // 4096}")
            connection.execute(_SCHEMA)
        return self._connection

    def _trim(self, connection: "sqlite3.Connection") -> None:
        (used,) = connection.execute("SELECT coalesce(sum(length(value)), 0) FROM kept").fetchone()
        if used <= self._most:
            return
        surplus = used - self._most * 3 // 4
        for key, size in connection.execute(
            "SELECT key, length(value) FROM kept ORDER BY day, rowid"
        ).fetchall():
            if surplus <= 0:
                return
            connection.execute("DELETE FROM kept WHERE key = ?", (key,))
            surplus -= size

    def _begin_anew(self) -> None:
        """Throw the file away once; when that does not help, do without."""
        with suppress(Exception):
            self.close()
        self._connection = None
        try:
            self._path.unlink()
        except OSError:
            self._given_up = True


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _today() -> int:
    return int(time.time()) // _DAY_S

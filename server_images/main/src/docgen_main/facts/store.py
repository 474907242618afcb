"""Keeps what was read in files, by the hash of their content: in memory and on disk, both bounded.

An entry is found by the file's content and everything else that decides what is read in it: its path, the
name it is imported by, and the text of these readers themselves. So nothing has to be invalidated, a file
that is changed back is known again, and a new version of this server begins anew. On disk it is one SQLite
file. Losing it costs time alone: what cannot be opened, read or written is left out.

Beside the facts stands what files looked like (inode, size, times) when their content was hashed: a file that
looks the same has the same content, unless it was changed so shortly before that its times could not tell.
"""

import hashlib
import sys
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from docgen_main.facts.database import Database
from docgen_main.facts.reading import FileFacts, FileName
from docgen_main.workspace import Entry

MEMORY_BYTES = 24 << 20
DISK_BYTES = 64 << 20
_ENTRY_BYTES = 16 << 20
#: the coarsest clock of a file system in use (FAT)
_COARSEST_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it looked at `at_ns`, when its content had this hash and so many lines."""

    stamp: tuple[int, ...]
    at_ns: int
    sha256: str
    lines: int

    def is_still(self, entry: Entry) -> bool:
        """Whether the file at `entry` cannot have changed since."""
        return entry.stamp == self.stamp and self.stamp[-1] < self.at_ns - _COARSEST_NS


@dataclass
class _Memory:
    """Facts in the order of their last use, up to a number of encoded bytes."""

    most: int
    used: int = 0
    entries: OrderedDict[bytes, tuple[FileFacts, int]] = field(default_factory=OrderedDict)

    def get(self, key: bytes) -> FileFacts | None:
        found = self.entries.get(key)
        if found is None:
            return None
        self.entries.move_to_end(key)
        return found[0]

    def put(self, key: bytes, facts: FileFacts, size: int) -> None:
        if key in self.entries or size > self.most:
            return
        self.entries[key] = facts, size
        self.used += size
        while self.used > self.most:
            self.used -= self.entries.popitem(last=False)[1][1]


class FactsStore:
    """What is known of files that were read before. For several threads at once.

    `folder` is where it is kept over restarts; without one, or where that cannot be written, it is kept in
    memory alone.
    """

    def __init__(
        self, folder: str = "", *, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES
    ) -> None:
        self._lock = threading.Lock()
        self._memory = _Memory(memory_bytes)
        self._database = Database(Path(folder, "facts.sqlite"), disk_bytes) if folder else None
        self._seen: dict[str, Seen] = {}

    def key(self, name: FileName, sha256: str) -> bytes:
        """By what the facts of the file called `name` with that content are found."""
        said = repr((_readers(), sha256, name.path, name.language, name.names, name.test))
        return hashlib.sha256(said.encode("utf-8", "surrogateescape")).digest()

    def load(self, keys: Iterable[bytes]) -> dict[bytes, FileFacts]:
        """The facts that are known among `keys`."""
        with self._lock:
            found: dict[bytes, FileFacts] = {}
            wanted: list[bytes] = []
            for key in keys:
                facts = self._memory.get(key)
                if facts is None:
                    wanted.append(key)
                else:
                    found[key] = facts
            for key, value in (self._database.load(wanted) if self._database else {}).items():
                decoded = _decoded(value)
                if decoded:
                    found[key] = decoded[0]
                    self._memory.put(key, *decoded)
            return found

    def save(self, found: Mapping[bytes, FileFacts]) -> None:
        """Keep `found`."""
        with self._lock:
            rows: dict[bytes, bytes] = {}
            for key, facts in found.items():
                encoded = _codec().dump_json(facts)
                self._memory.put(key, facts, len(encoded))
                rows[key] = zlib.compress(encoded, 1)
            if self._database:
                self._database.save(rows)

    @property
    def seen(self) -> Mapping[str, Seen]:
        """Files by path as they looked last."""
        return self._seen

    def remember(self, seen: dict[str, Seen]) -> None:
        """Replace what files looked like."""
        self._seen = seen

    def close(self) -> None:
        """Give the file on disk back."""
        with self._lock:
            if self._database:
                self._database.close()


@cache
def _codec() -> TypeAdapter[FileFacts]:
    return TypeAdapter(FileFacts)  # builds a schema of all nouns: only when used


def _decoded(value: bytes) -> tuple[FileFacts, int] | None:
    try:
        text = zlib.decompressobj().decompress(value, _ENTRY_BYTES)
        return _codec().validate_json(text), len(text)
    except (zlib.error, ValueError):
        return None


@cache
def _readers() -> str:
    """A hash of the code that reads files, and of the Python whose grammar it reads with."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()

"""Answers kept with their ETag: asking again with `If-None-Match` costs nothing of GitHub's rate."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """One answer; `link` is its `Link` header."""

    etag: str
    body: bytes
    link: str


class EtagCache:
    """Least recently used answers, bounded in number and in bytes.

    The key holds the identity of the token besides the URL, so that what one token may see is never shown
    to another after a rotation.
    """

    def __init__(self, entries: int = 256, total_bytes: int = 16 * 2**20) -> None:
        self._entries = entries
        self._total_bytes = total_bytes
        self._held = 0
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def held_bytes(self) -> int:
        """Bytes of all bodies kept."""
        return self._held

    def get(self, identity: str, url: str) -> Kept | None:
        """The answer kept for this token and URL."""
        kept = self._kept.get((identity, url))
        if kept is not None:
            self._kept.move_to_end((identity, url))
        return kept

    def put(self, identity: str, url: str, kept: Kept) -> None:
        """Keep an answer; one above an eighth of the room is not worth those it would push out."""
        self.drop(identity, url)
        if len(kept.body) > self._total_bytes // 8:
            return
        self._kept[identity, url] = kept
        self._held += len(kept.body)
        while len(self._kept) > self._entries or self._held > self._total_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._held -= len(oldest.body)

    def drop(self, identity: str, url: str) -> None:
        """Forget one answer, if it is there."""
        old = self._kept.pop((identity, url), None)
        if old is not None:
            self._held -= len(old.body)

"""Server-sent events, as far as MCP uses them: the data of each event, as bytes."""

from __future__ import annotations

from collections.abc import Iterator


class EventSplitter:
    """Feed it parts of a stream; it gives the data of each event that became complete (WHATWG HTML, 9.2)."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0
        self._data: list[bytes] = []

    @property
    def buffered(self) -> int:
        """How many bytes are kept for an event that is not complete yet."""
        return len(self._pending) + sum(map(len, self._data))

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Yield the data of every event that ``part`` completes."""
        self._pending += part
        begin = 0
        while (end := self._pending.find(b"\n", max(begin, self._searched))) >= 0:
            line = bytes(self._pending[begin:end]).removesuffix(b"\r")
            begin = end + 1
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data
        del self._pending[:begin]
        self._searched = len(self._pending)

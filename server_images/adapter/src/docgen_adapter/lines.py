"""Cuts what a program writes into lines, and never keeps more of one than is allowed; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENDS_KEPT = 1024
# A JSON-RPC message names its id first or last. In valid JSON both places are the message's own: before the
# first comma nothing else can have begun, and what the last brace closes is the message itself.
_ID = rb'"id"\s*:\s*(\d{1,18}|"[\x20-\x21\x23-\x5b\x5d-\x7e]*")\s*'
_FIRST = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?' + _ID + b",")
_LAST = re.compile(rb",\s*" + _ID + rb"\}\s*\Z")


@dataclass(frozen=True)
class TooLong:
    """A line that was thrown away: its length in bytes, and both of its ends."""

    size: int
    head: bytes
    tail: bytes

    @property
    def answered(self) -> int | str | None:
        """The id of the request that it answers, where the ends of the line show it."""
        match = _FIRST.match(self.head) or _LAST.search(self.tail)
        if match is None:
            return None
        found = match[1]
        return found[1:-1].decode() if found.startswith(b'"') else int(found)


class Lines:
    """A splitter; holds at most ``most`` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self._head = b""
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[bytes | TooLong]:
        """The lines that ``data`` completes, without their ends."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._take(part)
            yield self._complete()
        if rest:
            self._take(rest)

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._most:
            self._parts.append(part)
            return
        if not self._head:
            self._head = _beginning([*self._parts, part])
        self._tail = (self._tail + _end([*self._parts, part]))[-_ENDS_KEPT:]
        self._parts = []

    def _complete(self) -> bytes | TooLong:
        size, self._size = self._size, 0
        parts, self._parts = self._parts, []
        head, self._head = self._head, b""
        tail, self._tail = self._tail, b""
        return TooLong(size, head, tail) if size > self._most else b"".join(parts)


def _beginning(parts: list[bytes]) -> bytes:
    """The first bytes of what these parts make together."""
    found = b""
    for part in parts:
        found += part[: _ENDS_KEPT - len(found)]
        if len(found) == _ENDS_KEPT:
            break
    return found


def _end(parts: list[bytes]) -> bytes:
    """The last bytes of what these parts make together."""
    found = b""
    for part in reversed(parts):
        found = part[-(_ENDS_KEPT - len(found)) :] + found
        if len(found) == _ENDS_KEPT:
            break
    return found

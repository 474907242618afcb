"""Heads of messages that were read before, found again by their bytes.

Theory of operation. Whoever keeps a connection sends the same head each time, but for the length of the body,
the correlation id and the trace. Reading one line by line costs more than all else that is done for a call.
So a head is taken apart by a real parser (llhttp) the first time, and what it meant is remembered under its
bytes without those three lines. Only heads are remembered in which no line could mean another thing beside
other lines: none is folded, and every line ends in CR LF. The same bytes then mean the same, wherever the
three lines stood and whatever they said, as long as they are of the form that is looked for here.

Only a message that came whole, and alone, is looked at. Everything else is for the parser.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from docgen_common.correlation import CORRELATION_ID, TRACEPARENT
from msgspec import Struct

MeaningT = TypeVar("MeaningT")

MOST_HEADS, LONGEST_HEAD = 512, 4096
"""How many heads are remembered, and how long one may be (bytes)."""

_END = b"\r\n\r\n"
_LENGTH, _LENGTH_TOO = b"\r\nContent-Length: ", b"\r\ncontent-length: "
_CORRELATION_ID, _TRACE = b"\r\nx-correlation-id: ", b"\r\ntraceparent: "
_MOST_DIGITS = 8


class Message(Struct, frozen=True, gc=False):
    """One HTTP message with a body: ``pattern`` is its head without the lines that change.

    What those say is empty where they are missing; the body begins at ``body_at`` and ends with the message.
    """

    pattern: bytes
    body_at: int
    correlation_id: bytes = b""
    traceparent: bytes = b""


def split(data: bytes) -> Message | None:
    """``data`` if it is one whole message, with a length that is told, and nothing else."""
    end = data.find(_END)
    at = data.find(_LENGTH, 0, end)
    if at < 0:
        at = data.find(_LENGTH_TOO, 0, end)
    if at < 0 or end > LONGEST_HEAD:
        return None
    begin = at + len(_LENGTH)
    stop = data.find(b"\r", begin)
    digits = data[begin:stop]
    if not digits.isdigit() or len(digits) > _MOST_DIGITS or len(data) != end + 4 + int(digits):
        return None
    pattern = data[:at] + data[stop:end]
    at = pattern.find(_CORRELATION_ID)
    other = pattern.find(_TRACE)
    if at < 0 and other < 0:
        return Message(pattern, end + 4)
    return _without(pattern, end + 4)


def _without(pattern: bytes, body_at: int) -> Message | None:
    pattern, correlation_id = _cut(pattern, _CORRELATION_ID)
    pattern, traceparent = _cut(pattern, _TRACE)
    if correlation_id and not CORRELATION_ID.fullmatch(correlation_id):
        return None
    if traceparent and not TRACEPARENT.fullmatch(traceparent):
        return None
    return Message(pattern, body_at, correlation_id, traceparent)


def _cut(pattern: bytes, line: bytes) -> tuple[bytes, bytes]:
    """``pattern`` without the first line that begins so, and what that said."""
    at = pattern.find(line)
    if at < 0:
        return pattern, b""
    begin = at + len(line)
    stop = pattern.find(b"\r", begin)
    if stop < 0:
        return pattern[:at], pattern[begin:]
    return pattern[:at] + pattern[stop:], pattern[begin:stop]


class KnownHeads(Generic[MeaningT]):
    """What heads mean, by their patterns. The oldest half goes when there are too many."""

    def __init__(self, most: int = MOST_HEADS) -> None:
        self._most = most
        self._meanings: dict[bytes, MeaningT] = {}
        self.find = self._meanings.get

    def __len__(self) -> int:
        return len(self._meanings)

    def remember(self, pattern: bytes, meaning: MeaningT) -> None:
        """``pattern`` means this, if it is of the plain form in which that stays true."""
        ends = pattern.count(b"\r\n")
        if pattern.count(b"\n") != ends or pattern.count(b"\r") != ends:
            return
        if b"\r\n " in pattern or b"\r\n\t" in pattern:
            return
        if len(self._meanings) >= self._most:
            for old in list(self._meanings)[: self._most // 2]:
                del self._meanings[old]
        self._meanings[pattern] = meaning

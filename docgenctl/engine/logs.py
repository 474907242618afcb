"""A container's output: the engine's multiplexed stream taken apart into lines with time and stream.

Each frame is a header of 8 bytes (stream number, three zeros, length in big endian) and one message of the
log, which starts with its time. A line longer than 16 KiB comes as several messages, only the last of which
ends with a newline.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from docgenctl.engine.client import CALL_TIMEOUT_S, gone_is_fine
from docgenctl.engine.wire import Wire
from docgenctl.model.observed import LogLine, ObservedContainer

_STREAMS = {1: "stdout", 2: "stderr"}
_HEADER = struct.Struct(">BxxxL")


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...


def read_logs(
    wire: Wire, container: ObservedContainer, *, tail: int | None, follow: bool, since: str
) -> Iterator[LogLine]:
    """Lines of one container, oldest first; closing the iterator closes the connection."""
    asked: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow)}
    asked["tail"] = "all" if tail is None else str(tail)
    asked["since"] = unix_time(since) if since else ""
    silence_s = None if follow else CALL_TIMEOUT_S
    action, path = f"read the logs of {container.name}", f"/containers/{container.id}/logs"
    with gone_is_fine(), wire.stream(action, path, silence_s=silence_s, **asked) as stream:
        for source, time, text in lines_of(stream):
            yield LogLine(service=container.service, stream=source, time=time, text=text)


def unix_time(moment: str) -> str:
    """RFC 3339 as the engine wants it: seconds since 1970 with up to nine decimals."""
    whole, _, rest = moment.partition(".")
    digits = "".join(iter_digits(rest))
    zone = rest[len(digits) :] if rest else ""
    seconds = int(datetime.fromisoformat((whole + zone).replace("Z", "+00:00")).timestamp())
    return f"{seconds}.{digits:0<9}"


def iter_digits(text: str) -> Iterator[str]:
    """The digits that text starts with."""
    for character in text:
        if not character.isdigit():
            return
        yield character


def lines_of(source: _Readable) -> Iterator[tuple[str, str, str]]:
    """Stream, time and text of every line; an unfinished last line counts as one."""
    unfinished: dict[str, tuple[str, str]] = {}
    for number, message in frames(source):
        stream = _STREAMS.get(number, "stdout")
        time, _, text = message.decode(errors="replace").partition(" ")
        begun_at, beginning = unfinished.pop(stream, (time, ""))
        if text.endswith("\n"):
            yield stream, begun_at, (beginning + text).rstrip("\r\n")
        else:
            unfinished[stream] = (begun_at, beginning + text)
    for stream, (time, text) in unfinished.items():
        yield stream, time, text


def frames(source: _Readable) -> Iterator[tuple[int, bytes]]:
    """Stream number and message of every frame, an unfinished last one too."""
    while len(header := _exactly(source, _HEADER.size)) == _HEADER.size:
        number, length = _HEADER.unpack(header)
        yield number, _exactly(source, length)


def _exactly(source: _Readable, length: int) -> bytes:
    parts: list[bytes] = []
    while length > 0:
        part = source.read(length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)

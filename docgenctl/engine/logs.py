"""A container's output: the engine's multiplexed stream taken apart into lines with time and stream.

Each frame is a header of 8 bytes (stream number, three zeros, length in big endian) and one message of the
log, which starts with its time. A line longer than 16 KiB comes as several messages, only the last of which
ends with a newline. The SDK's own reader drops the stream number, hence this one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from docgenctl.engine.client import answers
from docgenctl.engine.failures import from_answer
from docgenctl.model.observed import LogLine, ObservedContainer

if TYPE_CHECKING:
    from docker import APIClient

_STREAMS = {1: "stdout", 2: "stderr"}
_HEADER = struct.Struct(">BxxxL")


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...


def read_logs(
    api: APIClient, container: ObservedContainer, *, tail: int | None, follow: bool, since: str
) -> Iterator[LogLine]:
    """Lines of one container, oldest first; closing the iterator closes the connection."""
    parameters: dict[str, Any] = {
        "stdout": 1,
        "stderr": 1,
        "timestamps": 1,
        "follow": int(follow),
        "tail": "all" if tail is None else tail,
    }
    if since:
        parameters["since"] = unix_time(since)
    action = f"read the logs of {container.name}"
    url = f"{api.base_url}/v{api.api_version}/containers/{container.id}/logs"
    with answers(action):
        response = api.get(url, params=parameters, stream=True, timeout=None if follow else api.timeout)
    with response:
        if response.status_code == 404:
            return
        if response.status_code >= 400:
            raise from_answer(action, response.status_code, response.text)
        for stream, time, text in lines_of(response.raw):
            yield LogLine(service=container.service, stream=stream, time=time, text=text)


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
    for number, message in _frames(source):
        stream = _STREAMS.get(number, "stdout")
        time, _, text = message.decode(errors="replace").partition(" ")
        begun_at, beginning = unfinished.pop(stream, (time, ""))
        if text.endswith("\n"):
            yield stream, begun_at, (beginning + text).rstrip("\r\n")
        else:
            unfinished[stream] = (begun_at, beginning + text)
    for stream, (time, text) in unfinished.items():
        yield stream, time, text


def _frames(source: _Readable) -> Iterator[tuple[int, bytes]]:
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

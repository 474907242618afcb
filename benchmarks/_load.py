"""The load generator of `forwarding.py`: callers on kept connections, each with one call under way.

Theory of operation. A generator that costs more than what it measures makes all fronts look alike, so a
caller is a bare protocol on uvloop: it writes the bytes of a call that were made before, with its own id
spliced in, and looks at the reply only as far as it must: status 200, where it ends, and that it carries the
id of the call. What the generator itself costs is measured in each run (`Load.own_us`), and its ceiling is
the row `direct`; wrk, in C, reached no more there (36,100 against 34,200 calls a second on two shared
processors), and it can neither tell whose answer it got nor show a certificate. A reply that is none of these
ends the run: figures of errors are not figures.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_FAILURES = (b'"error":', b'"isError":true')
_FIRST_ID = 1_000_000_000
"""All ids have ten digits, so that the length of a body never changes."""


@dataclass(frozen=True)
class Target:
    """Where calls go: `head` is the request's head up to the blank line, without Content-Length."""

    port: int
    head: bytes
    body: bytes
    tls: ssl.SSLContext | None = None

    def request(self, number: int) -> bytes:
        """The bytes of one call; `body` has `%d` in the place of the id."""
        body = self.body.replace(b"%d", b"%d" % number, 1)
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body)


@dataclass
class Load:
    """What was seen: seconds of each call, over `seconds` of wall time, of which `own_s` CPU were ours."""

    took: list[float] = field(default_factory=list)
    first_byte: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own_s: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.took) / self.seconds

    @property
    def own_us(self) -> float:
        """What one call costs the generator itself, in µs of CPU."""
        return self.own_s / len(self.took) * 1e6


class Caller(asyncio.Protocol):
    """One connection with one call at a time, until `go_on` says no."""

    def __init__(self, target: Target, first: int, load: Load, go_on: Callable[[], bool]) -> None:
        before, _, after = target.request(_FIRST_ID).partition(b"%d" % _FIRST_ID)
        self._before, self._after = before, after
        self._number = first
        self._load, self._go_on = load, go_on
        self._begun = 0.0
        self._buffer = b""
        self._end = -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def send(self) -> None:
        """The next call."""
        self._number += 1
        self._id = b"%d" % self._number
        self._buffer, self._end = b"", -1
        self._begun = time.perf_counter()
        self._transport.write(b"%b%b%b" % (self._before, self._id, self._after))

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._load.first_byte.append(time.perf_counter() - self._begun)
        self._buffer = self._buffer + data if self._buffer else data
        if self._end < 0 and not self._head():
            return
        if len(self._buffer) < self._end or (not self._end and not self._buffer.endswith(b"\r\n0\r\n\r\n")):
            return
        self._load.took.append(time.perf_counter() - self._begun)
        if self._id not in self._buffer or any(sign in self._buffer for sign in _FAILURES):
            self._fail("an answer that is not of the call")
        elif self._go_on():
            self.send()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._fail("the connection was closed")

    def _head(self) -> bool:
        """Find out where the reply ends: at `_end`, or at the last chunk if that is 0."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            self._fail("a refusal")
            return False
        _, found, length = head.partition(b"\r\ncontent-length:")
        self._end = end + 4 + int(length.partition(b"\r\n")[0]) if found else 0
        return True

    def _fail(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(SystemExit(f"{what}: {self._buffer[:2000]!r}"))


async def run(target: Target, callers: int, *, seconds: float = 0.0, calls: int = 0) -> Load:
    """Call for `seconds`, or `calls` times, from `callers` connections at once."""
    load = Load()
    deadline = float("inf")
    left = calls - callers if calls else 1 << 62

    def go_on() -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and time.perf_counter() < deadline

    loop = asyncio.get_running_loop()
    made = []
    for number in range(callers):
        first = _FIRST_ID + number * 10_000_000
        _, caller = await loop.create_connection(
            lambda first=first: Caller(target, first, load, go_on),  # type: ignore[misc]
            "127.0.0.1",
            target.port,
            ssl=target.tls,
            server_hostname="localhost" if target.tls else None,
        )
        made.append(caller)
    begun, used = time.perf_counter(), _cpu_s()
    deadline = begun + seconds if seconds else deadline
    for caller in made:
        caller.send()
    try:
        await asyncio.wait_for(asyncio.gather(*(caller.done for caller in made)), seconds + 300)
    finally:
        for caller in made:
            caller._transport.abort()
    load.seconds, load.own_s = time.perf_counter() - begun, _cpu_s() - used
    return load


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system

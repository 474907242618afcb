"""uvicorn's HTTP protocol class, which holds requests back that the raw path may answer.

A request is held from the end of its head to the end of its body. When the raw path does not take it, or its
body is too large or too slow, uvicorn's own handling starts with the bytes that came, a little later than it
would have. A request that came whole, with a head that was taken before (`known_heads`), needs no parser.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, NamedTuple, cast

from docgen_common.keys import ApiKey
from docgen_common.room import Room, Share
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from docgen_orchestrator.fast.endpoint import Shared
from docgen_orchestrator.fast.exchange import Exchange, exchange
from docgen_orchestrator.fast.request import MOST_BODY_BYTES, Head, read_head
from docgen_orchestrator.known_heads import KnownHeads, Message, split

SLOW_READER_S = 30.0
"""How long a caller may leave unread what it was sent before its connection is closed."""

FREE_BYTES = 1024 * 1024
UNREAD = Room(64 * 1024 * 1024)
"""What all callers together may leave unread, beyond ``FREE_BYTES`` each."""

HOLD_SECONDS = 1.0
"""How long a body may take to arrive before the request is handed over, with what has come of it."""


class Meaning(NamedTuple):
    """What a head means that the raw path took: the path it is for, and whether the connection stays."""

    url: bytes
    head: Head
    keep_alive: bool


class RawProtocol(HttpToolsProtocol):
    """One connection of a caller. ``shared`` and ``heads`` are set on the subclass that a server uses.

    ``proved`` is the last good key that came on it, the keys that were in force then, and whose it is: the
    same key under the same keys needs no second look. Keys that expire are looked up each time.
    """

    shared: ClassVar[Shared]
    heads: ClassVar[KnownHeads[Meaning]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: Exchange | None = None
        self._body: list[bytes] = []
        self._length = 0
        self._late: asyncio.TimerHandle | None = None
        self._exchange: Exchange | None = None
        self._between = True  # whether the parser waits for a first byte
        self._idle_since: float | None = None
        self._unread = Share(UNREAD, FREE_BYTES)
        self._slow: asyncio.TimerHandle | None = None
        self.proved: tuple[str, tuple[ApiKey, ...], ApiKey] | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes came; a body that did not come with its head is waited for, but not long."""
        message = split(data) if self._between else None
        if message is None:
            super().data_received(data)
        elif not self._begin_known(message, data):
            before = self._exchange
            super().data_received(data)
            taken = self._exchange
            if taken is not None and taken is not before and self._between:
                self._remember(message, len(data), taken)
        if self._held is not None and self._late is None:
            self._late = self.loop.call_later(HOLD_SECONDS, self._hand_over)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone."""
        self._stop_waiting()
        self._read()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        self._held = None
        if self._exchange is not None and not self._exchange.response_complete:
            self._exchange.disconnected = True
            self._exchange.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends; a request that has begun to come is still served."""
        if self._held is not None:
            self._hand_over()
        super().shutdown()

    def pause_writing(self) -> None:
        """The caller does not read what it is sent: that takes room, and is not kept for ever."""
        super().pause_writing()
        if not self._unread.keep(self.transport.get_write_buffer_size()):
            self.loop.call_soon(self.transport.abort)
        elif self._slow is None:
            self._slow = self.loop.call_later(SLOW_READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller has read what it was sent."""
        super().resume_writing()
        self._read()
        if self._exchange is not None:
            self._exchange.resume()

    def on_message_begin(self) -> None:
        """A request begins; what uvicorn keeps of one is made when it turns out to be uvicorn's."""
        self._between = False
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line came."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        candidate = self._candidate()
        if candidate is None:
            self._begin_for_uvicorn()
            return
        self._held, self._body, self._length = candidate, [], 0

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if self._held is None:
            super().on_body(body)
            return
        self._body.append(body)
        self._length += len(body)
        if self._length > MOST_BODY_BYTES:
            self._hand_over()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._between = True
        held, self._held = self._held, None
        if held is None:
            super().on_message_complete()
            return
        self._stop_waiting()
        if held.begin(b"".join(self._body)):
            self._body = []
            self._adopt(held)
            return
        self._hand_over()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is whole; as uvicorn does it, but for the timer: one for the connection, not one each."""
        self._idle_since = self.loop.time()
        if self.pipeline or self.timeout_keep_alive_task is None:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.flow.read_paused and not self.transport.is_closing():
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        """The connection may have been idle for long enough to be closed."""
        self.timeout_keep_alive_task = None
        busy = self._held is not None or (self.cycle is not None and not self.cycle.response_complete)
        left = self.timeout_keep_alive - (self.loop.time() - (self._idle_since or 0.0))
        if not busy and left <= 0:
            super().timeout_keep_alive_handler()
            return
        wait = self.timeout_keep_alive if busy else left
        self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """What uvicorn does for each request: the timer runs on, and looks whether there was one."""

    def _begin_known(self, message: Message, data: bytes) -> bool:
        """Begin a request whose head was taken before; False when it is for the parser."""
        known = self.heads.find(message.pattern)
        if known is None or not (self.cycle is None or self.cycle.response_complete):
            return False
        endpoint = self.shared.find(known.url)
        if endpoint is None:
            return False
        head = known.head.of(message)
        if head is None:
            return False
        begun = exchange(self, self.shared, endpoint, head)
        begun.keep_alive = known.keep_alive
        if not begun.admit() or not begun.begin(data[message.body_at :]):
            return False
        self._adopt(begun)
        return True

    def _remember(self, message: Message, size: int, taken: Exchange) -> None:
        """The parser found the request in ``message``, and the raw path took it: so it may the next time."""
        head = taken.head.without(message)
        if head is not None and self._length == size - message.body_at:
            self.heads.remember(message.pattern, Meaning(self.url, head, taken.keep_alive))

    def _adopt(self, taken: Exchange) -> None:
        self.cycle = cast("RequestResponseCycle", taken)  # it has all that is used of one
        self._exchange = taken

    def _candidate(self) -> Exchange | None:
        """The exchange that may answer this request; None where the head says already that it cannot."""
        idle = self.cycle is None or self.cycle.response_complete
        if not idle or self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        if self.parser.should_upgrade():
            return None
        endpoint = self.shared.find(self.url)
        if endpoint is None or self.root_path:
            return None
        head = read_head(self.headers)
        if head is None:
            return None
        candidate = exchange(self, self.shared, endpoint, head)
        candidate.keep_alive = self.parser.should_keep_alive()
        return candidate if candidate.admit() else None

    def _hand_over(self) -> None:
        """Let uvicorn and the application have the held request."""
        self._stop_waiting()
        self._held = None
        body, self._body = b"".join(self._body), []
        self._begin_for_uvicorn()
        if body:
            super().on_body(body)

    def _begin_for_uvicorn(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def _read(self) -> None:
        self._unread.keep(0)
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def protocol_class(shared: Shared) -> type[RawProtocol]:
    """The class that uvicorn makes one of for each connection."""
    return type("SharedRawProtocol", (RawProtocol,), {"shared": shared, "heads": KnownHeads()})

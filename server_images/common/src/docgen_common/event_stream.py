"""An event route of our own (not MCP): the same events over Server-Sent Events and over WebSocket.

Theory of operation. A ``Source`` yields events for one listener. Over WebSocket each event is one JSON text
message; over SSE it is one event whose ``data`` is the same JSON (HTML Living Standard, 9.2). A listener that
does not take what was sent to it within its time is cut off, and can come back with the id of the last event
it saw. Silence is filled: by comments over SSE, by pings of the protocol over WebSocket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from docgen_common.auth import current_caller
from docgen_common.errors import error_response

PATH = "/events"
READY = "events.ready"
"""Type of the first event: from its id on nothing will be missed."""

MISSED = "events.missed"
"""Type of the first event when some after the given id are gone: read again what you show."""

TRY_AGAIN_LATER = 1013
"""WebSocket close code (IANA registry) for a listener that was cut off."""

HEARTBEAT_SECONDS = 15
_MAX_ID = 512
_log = structlog.stdlib.get_logger("docgen.events")


@dataclass(frozen=True)
class StreamEvent:
    """One event: opaque id to resume after, type, seconds since 1970, plain JSON data."""

    id: str
    type: str
    time: float
    data: Mapping[str, Any]

    def as_json(self) -> str:
        """The one shape on every wire: ``{"id", "type", "time", "data"}``, on one line."""
        fields = {"id": self.id, "type": self.type, "time": round(self.time, 3), "data": self.data}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


class CutOffError(Exception):
    """Raised by a source whose listener does not keep up."""


Source = Callable[[str | None, str | None], AsyncGenerator[StreamEvent, None]]
"""Events after the id in the first argument (None: from now on) that the caller in the second may see.

The first one is always ``READY`` or ``MISSED``.
"""


class EventStream:
    """Serves ``source`` to listeners, ``listeners_most`` at once.

    ``patience_s`` bounds the time that a listener takes to receive one event, in seconds.
    """

    def __init__(
        self,
        source: Source,
        *,
        listeners_most: int = 100,
        heartbeat_s: float = HEARTBEAT_SECONDS,
        patience_s: float = 10.0,
    ) -> None:
        self._source = source
        self._free = listeners_most
        self._heartbeat_s = heartbeat_s
        self._patience_s = patience_s

    def routes(self, *, websocket: bool) -> list[BaseRoute]:
        """``/events`` by SSE, and by WebSocket where this server speaks it."""
        found: list[BaseRoute] = [Route(PATH, self._sse, methods=["GET"], name="events")]
        if websocket:
            found.append(WebSocketRoute(PATH, self._websocket, name="events:websocket"))
        return found

    async def _sse(self, request: Request) -> Response:
        if self._free <= 0:
            return _no_room()
        return EventSourceResponse(
            self._events_sse(_after(request), current_caller()),
            ping=self._heartbeat_s,
            send_timeout=self._patience_s,
            sep="\n",
        )

    async def _events_sse(
        self, after: str | None, caller: str | None
    ) -> AsyncGenerator[ServerSentEvent, None]:
        with self._listening("sse", caller):
            yield ServerSentEvent(comment="listening")
            async with aclosing(self._source(after, caller)) as events:
                with suppress(CutOffError):
                    async for event in events:
                        yield ServerSentEvent(event.as_json(), event=event.type, id=event.id)

    async def _websocket(self, socket: WebSocket) -> None:
        if self._free <= 0:
            await socket.send_denial_response(_no_room())
            return
        caller = current_caller()
        with self._listening("websocket", caller):
            await socket.accept()
            left = asyncio.ensure_future(_left(socket))
            sending = asyncio.ensure_future(self._send_all(socket, _after(socket), caller))
            try:
                await asyncio.wait({left, sending}, return_when=asyncio.FIRST_COMPLETED)
                if not left.done():
                    await _close(socket)
            finally:
                for task in (left, sending):
                    task.cancel()
                await asyncio.gather(left, sending, return_exceptions=True)

    async def _send_all(self, socket: WebSocket, after: str | None, caller: str | None) -> None:
        async with aclosing(self._source(after, caller)) as events:
            async for event in events:
                async with asyncio.timeout(self._patience_s):
                    await socket.send_text(event.as_json())

    @contextmanager
    def _listening(self, transport: str, caller: str | None) -> Iterator[None]:
        self._free -= 1
        _log.info("listener came", transport=transport, caller=caller)
        try:
            yield
        finally:
            self._free += 1
            _log.info("listener left", transport=transport, caller=caller)


async def _left(socket: WebSocket) -> None:
    """Returns when the listener has gone; what it says is not listened to."""
    with suppress(WebSocketDisconnect, RuntimeError, KeyError):
        while True:
            await socket.receive_text()


async def _close(socket: WebSocket) -> None:
    """Tell the listener to come back later. One that reads nothing will not take this either."""
    with suppress(TimeoutError, RuntimeError, OSError):
        async with asyncio.timeout(1):
            await socket.close(TRY_AGAIN_LATER, "too slow: come back with the last id")


def _after(connection: HTTPConnection) -> str | None:
    """The id to resume after: ``Last-Event-ID``, as browsers send it, or ``?after=``."""
    given = connection.headers.get("last-event-id") or connection.query_params.get("after") or ""
    return given if 0 < len(given) <= _MAX_ID and given.isascii() and given.isprintable() else None


def _no_room() -> Response:
    return error_response(
        503, "too_many_listeners", "Too many listeners; try again later", {"Retry-After": "5"}
    )

"""In front of the MCP endpoint: ``notifications/cancelled`` of clients of the older protocol eras.

Since 2026-07-28 a caller cancels by closing the stream of its request, which the SDK does by itself. Before,
it sends a notification in a POST of its own that names the id of the request. Ids are only unique in a
session, and this server keeps none. So an ``initialize`` is answered with a session id that is remembered
nowhere: any value will do, and what a client sends back, together with its key, tells its requests from
everybody else's while they are in flight. A client that sends none can still cancel by going away.
"""

from __future__ import annotations

import secrets
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.auth import current_caller
from docgen_common.json_body import is_legacy, message_of

SESSION_HEADER = "mcp-session-id"
"""Which a client gets with the answer to ``initialize`` and sends with everything after it."""

_MAX_SESSION_BYTES = 128
_SESSION = SESSION_HEADER.encode()

_Request = tuple[str | None, bytes, type[Any], Any]
"""Caller, session, and the request's id with its type: 1 and "1" are two ids."""


class LegacyCancellation:
    """Lets older clients cancel what they asked for; hands everything on to the endpoint."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running: dict[_Request, anyio.CancelScope] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not is_legacy(scope):
            await self._app(scope, receive, send)
            return
        message = message_of(scope)
        session = session_of(scope)
        if message.get("method") == "initialize":
            await self._app(scope, receive, _with_session(send))
        elif session is None:
            await self._app(scope, receive, send)
        elif "id" in message:
            await self._cancellable(_key(session, message["id"]), scope, receive, send)
        else:
            if message.get("method") == "notifications/cancelled":
                self._cancel(session, message.get("params"))
            await self._app(scope, receive, send)

    async def _cancellable(self, key: _Request, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watching(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        with anyio.CancelScope() as running:
            self._running[key] = running
            try:
                await self._app(scope, receive, watching)
            finally:
                if self._running.get(key) is running:
                    del self._running[key]
        if running.cancelled_caught:
            # A cancelled request gets no answer: its stream just ends.
            if not started:
                headers = [(b"content-type", b"text/event-stream")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _cancel(self, session: bytes, params: Any) -> None:
        request_id = params.get("requestId") if isinstance(params, dict) else None
        running = self._running.get(_key(session, request_id))
        if running is not None:
            running.cancel()


def session_of(scope: Scope) -> bytes | None:
    """The session id that a request names, if it names one."""
    values = [value for name, value in scope["headers"] if name == _SESSION]
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= _MAX_SESSION_BYTES else None


def _key(session: bytes, request_id: Any) -> _Request:
    plain = request_id if isinstance(request_id, str | int) else None
    return current_caller(), session, type(plain), plain


def _with_session(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            line = (_SESSION, secrets.token_urlsafe(24).encode())
            message = {**message, "headers": [*message.get("headers", ()), line]}
        await send(message)

    return sending

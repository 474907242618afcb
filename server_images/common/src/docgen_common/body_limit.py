"""Middleware: a request's body is bounded in size and in the time it takes to arrive."""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.errors import error_response
from docgen_common.limits import Limits
from docgen_common.room import Room, Share

FREE_BYTES = 256 * 1024
"""What each body may take without asking."""


class BodyLimit:
    """Answers 413 to a body that is too large (chunked ones too) and 408 to one that does not arrive in time.

    All bodies at once are bounded, too: one for which there is no room just now is answered 503.

    The body is not collected here: chunks are counted as the application asks for them, so a request that is
    refused before its body is read (a wrong key) costs no memory. When the application meets the limit while
    reading, it is cancelled, and the answer given here if none was begun.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._room = Room(limits.bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared_length(scope) > self._limits.body_bytes:
            await _too_large(scope, receive, send)
            return
        share = Share(self._room, FREE_BYTES)
        body = _Body(receive, send, self._limits, share, endless=_may_be_large(scope))
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            # The application may wrap what was raised in receive() (task groups do); what was wrong with the
            # body is known here, so any failure after a refusal is that refusal.
            if body.refusal is None or body.started:
                raise
        finally:
            share.keep(0)
        if body.refusal is not None and not body.started:
            await _REFUSALS[body.refusal](scope, receive, send)


class BodyRefusedError(Exception):
    """Raised to an application that reads a body past its limits; BodyLimit turns it into the answer."""


class _Body:
    """The receive and send of one request, with what happened to its body."""

    def __init__(self, receive: Receive, send: Send, limits: Limits, share: Share, *, endless: bool) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._share = share
        self._endless = endless
        self._deadline = monotonic() + limits.body_seconds
        self._size = 0
        self._complete = False
        self.refusal: int | None = None
        self.started = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - monotonic(), 0.001))
        except TimeoutError:
            self.refusal = 408
            raise BodyRefusedError from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._limits.body_bytes:
                self.refusal = 413
                raise BodyRefusedError
            if not self._share.keep(self._size):
                self.refusal = 503
                raise BodyRefusedError
            self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self.refusal is not None and not self.started:
            return  # the application's own idea of an error gives way to the true one
        if message["type"] == "http.response.start" and self._endless and not self._complete:
            # Answered unread: what is still to come of it must not be read only to be thrown away.
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        self.started = True
        await self._send(message)


def _may_be_large(scope: Scope) -> bool:
    """Whether the body's length is not known, or is more than what comes with a head."""
    return (
        any(name == b"transfer-encoding" for name, _ in scope["headers"])
        or _declared_length(scope) > FREE_BYTES
    )


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    answer = error_response(413, "too_large", "The request body is too large", {"Connection": "close"})
    await answer(scope, receive, send)


async def _too_slow(scope: Scope, receive: Receive, send: Send) -> None:
    answer = error_response(
        408, "too_slow", "The request body did not arrive in time", {"Connection": "close"}
    )
    await answer(scope, receive, send)


async def _no_room(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Connection": "close", "Retry-After": "1"}
    answer = error_response(503, "busy", "There is no room for so large a body just now", headers)
    await answer(scope, receive, send)


_REFUSALS = {408: _too_slow, 413: _too_large, 503: _no_room}

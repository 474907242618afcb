"""One id for everything that happens for one request of a caller, on every hop.

The id is taken over from ``X-Correlation-ID`` when it is harmless to log, and made here otherwise.
``traceparent`` (W3C Trace Context) is carried along untouched when it is well-formed.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CORRELATION_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""An id that is harmless to log."""

TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""A well-formed value (W3C Trace Context, 3.2)."""

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_trace: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_correlation_id() -> str | None:
    """The id of the request being served, or None outside of one."""
    return _current.get()


def current_traceparent() -> str | None:
    """The caller's W3C ``traceparent``, or None when it sent none or a malformed one."""
    return _trace.get()


def accepted_correlation_id(values: list[bytes]) -> str | None:
    """The id in the header lines ``values`` if it may be taken over: one line of ``A-Za-z0-9._-``."""
    if len(values) != 1 or not CORRELATION_ID.fullmatch(values[0]):
        return None
    return values[0].decode("ascii")


class Correlation:
    """Middleware: sets the correlation id for the code inside, and returns it to the caller."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with its id set."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = accepted_correlation_id([value for name, value in headers if name == b"x-correlation-id"])
        correlation_id = given or uuid4().hex
        _current.set(correlation_id)
        traces = [value for name, value in headers if name == b"traceparent"]
        _trace.set(traces[0].decode() if len(traces) == 1 and TRACEPARENT.fullmatch(traces[0]) else None)
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        line = (b"x-correlation-id", correlation_id.encode("ascii"))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), line]
            await send(message)

        await self._app(scope, receive, send_with_id)

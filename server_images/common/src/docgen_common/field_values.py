"""Middleware: header values without the whitespace around them, which is no part of them (RFC 9110, 5.5).

The fast parser takes away what stands before a value and leaves what stands after it; what compares a header
with a body, a key or a host would then find two different texts.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_BLANKS = b" \t"


class FieldValues:
    """Trims the values of a request's header lines."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        lines = scope.get("headers", ())
        if any(value[-1:] in (b" ", b"\t") for _, value in lines):
            scope = {**scope, "headers": [(name, value.strip(_BLANKS)) for name, value in lines]}
        await self._app(scope, receive, send)

"""Middleware: no request lives for ever, but those that are made to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.errors import error_response
from docgen_common.limits import Limits


class TimeLimit:
    """Cancels a request after ``limits.request_seconds``: 504, or a cut stream when something was sent.

    ``subscriptions/listen``, and the stream of a session, get ``limits.stream_seconds``. GET requests to the
    paths in ``endless`` are streams that have no end by design.
    """

    def __init__(self, app: ASGIApp, limits: Limits, endless: Collection[str] = ()) -> None:
        self._app = app
        self._limits = limits
        self._endless = frozenset(endless)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within its time."""
        if scope["type"] != "http" or (scope["method"] == "GET" and scope["path"] in self._endless):
            await self._app(scope, receive, send)
            return
        started = False
        listens = _listens(scope)

        async def watching(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            seconds = self._limits.stream_seconds if listens else self._limits.request_seconds
            async with asyncio.timeout(seconds) as deadline:
                await self._app(scope, receive, watching)
        except TimeoutError:
            if not deadline.expired():
                raise
            if started:
                # Leaving without the last body message makes the HTTP server close the connection, which is
                # how a caller learns that the answer is not complete.
                return
            await error_response(504, "timeout", "The request took too long")(scope, receive, send)


def _listens(scope: Scope) -> bool:
    """Whether this asks for change notifications: so the header says, which the endpoint compares.

    In a session of an older protocol era a GET asks for them.
    """
    mcp = scope["path"] == "/mcp" or scope["path"].startswith("/mcp/")
    listens = (b"mcp-method", b"subscriptions/listen") in scope["headers"]
    return mcp and (scope["method"] == "GET" or listens)

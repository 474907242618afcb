"""The MCP endpoints of an application, by path; they may be opened and closed while it serves.

Theory of operation. The SDK's session manager lives in a task group, which has to be left by the task that
entered it. So each endpoint has a task of its own that does nothing but hold its manager open. Closing takes
the path away first (whoever comes then finds nothing), ends the streams that would go on for ever, each with
its last message, and waits for the requests that are being answered; what is left after the grace is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import ListenHandler
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

McpServer = MCPServer[Any] | Server[Any]


@dataclass(frozen=True)
class Prepared:
    """An MCP server made ready to be served: the application in front of it, and what methods it takes."""

    server: McpServer
    app: ASGIApp
    methods: frozenset[str] = frozenset({"POST"})


class McpEndpoints:
    """An ASGI application that finds the endpoint at a request's path; 404 and 405 are HTTPExceptions.

    ``prepare`` makes a server ready, once. What is opened before ``running`` is entered is served from then.
    """

    def __init__(self, prepare: Callable[[str, McpServer], Prepared]) -> None:
        self._prepare = prepare
        self._open: dict[str, _Held] = {}
        self._running = False

    def __contains__(self, path: object) -> bool:
        return path in self._open

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        held = self._open.get(scope["path"])
        if held is None:
            raise HTTPException(404)
        if scope["method"] not in held.prepared.methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(held.prepared.methods))})
        held.enter()
        try:
            await held.prepared.app(scope, receive, send)
        finally:
            held.leave()

    def add(self, path: str, server: McpServer) -> None:
        """An endpoint that is there from the beginning."""
        self._open[path] = _Held(self._prepare(path, server))

    async def open(self, path: str, server: McpServer) -> None:
        """Serve ``server`` at ``path`` from now on."""
        held = _Held(self._prepare(path, server))
        await held.start()
        self._open[path] = held

    async def close(self, path: str, *, within_s: float) -> None:
        """Serve ``path`` no more; requests in flight get ``within_s`` seconds to end."""
        held = self._open.pop(path, None)
        if held is not None:
            held.end_streams()
            await held.drained(within_s)
            await held.stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve meanwhile."""
        for held in self._open.values():
            await held.start()
        try:
            yield
        finally:
            for held in list(self._open.values()):
                await held.stop()

    def end_streams(self) -> None:
        """End every open stream of change notifications with its last message."""
        for held in self._open.values():
            held.end_streams()


@dataclass
class _Held:
    """One endpoint that is open, and the task that holds it open."""

    prepared: Prepared
    _in_flight: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def enter(self) -> None:
        self._in_flight += 1
        self._idle.clear()

    def leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()

    async def start(self) -> None:
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(begun))
        await asyncio.wait({self._task, begun}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._ending.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def drained(self, within_s: float) -> None:
        if self._in_flight:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._idle.wait()

    def end_streams(self) -> None:
        entry = self.prepared.server.session_manager.app.get_request_handler("subscriptions/listen")
        if entry is not None and isinstance(entry.handler, ListenHandler):
            entry.handler.close()

    async def _hold(self, begun: asyncio.Future[None]) -> None:
        async with self.prepared.server.session_manager.run():
            begun.set_result(None)
            await self._ending.wait()

"""The one connection to the server, made anew whenever it is lost.

Theory of operation. `run` connects, waits until the connection is lost, and connects again after a pause that
grows while attempts fail in a row. Meanwhile requests fail at once and say why; while an attempt is under way
they wait for it a little. A server that is connected but answers nothing is looked for only while nobody
waits for it: many servers work on one thing at a time, and one that works for minutes must not be ended. Who
gives up waiting cancels, so a server that hangs has nobody waiting soon, and is then ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED

from docgen_adapter.connection import Connection, NotMcpError

UNAVAILABLE = -32010
"""JSON-RPC error: the server is not there, or broke off."""

ANSWER_SECONDS = 5.0
"""How long a server that nobody waits for may take to say that it is there."""

_PATIENCE_SECONDS = 10.0
_WAITED_FOR_SECONDS = 0.5
_PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_GOOD_SECONDS = 10.0
_MISSES = 2
_log = structlog.stdlib.get_logger("docgen.connection")


@dataclass(frozen=True)
class Link:
    """A connection, how to know that it is lost, why it is, and how to make it so."""

    connection: Connection
    lost: asyncio.Event
    reason: Callable[[], str]
    cut: Callable[[], None]


Connect = Callable[[], AbstractAsyncContextManager[Link]]
"""Connects; raises OSError or NotMcpError, also in a group."""


class KeptConnection:
    """The connection as callers see it; `run` keeps it."""

    def __init__(
        self, connect: Connect, on_connected: Callable[[Connection], Awaitable[None]], *, look_every_s: float
    ) -> None:
        self.connection: Connection | None = None
        self.reason = "it has not been started yet"
        self.busy = 0
        self._connect = connect
        self._on_connected = on_connected
        self._look_every_s = look_every_s
        self._trying = True
        self._link: Link | None = None
        self._changed = asyncio.Condition()

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        on_progress: ProgressFnT | None = None,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """See Connection.request. Raises MCPError."""
        connection = await self.current()
        self.busy += 1
        try:
            return await connection.request(
                method, params, on_progress=on_progress, name=name, headers=headers
            )
        except MCPError as error:
            self._look_at(error, connection)
            raise
        finally:
            self.busy -= 1

    async def current(self) -> Connection:
        """The connection; waits for one that is being made. Raises MCPError."""
        if self.connection is None and self._trying:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS), self._changed:
                    await self._changed.wait_for(lambda: self.connection is not None or not self._trying)
            except TimeoutError:
                raise MCPError(UNAVAILABLE, "The server is starting: try again soon") from None
        if self.connection is None:
            raise MCPError(UNAVAILABLE, f"The server is not running: {self.reason}")
        return self.connection

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        failures = 0
        while True:
            await self._set(None, trying=True)
            begun = monotonic()
            try:
                await self._once()
            except* (OSError, NotMcpError) as group:
                self.reason = _first(group)
            failures = 0 if monotonic() - begun >= _GOOD_SECONDS else failures + 1
            pause_s = _PAUSES_SECONDS[min(failures, len(_PAUSES_SECONDS) - 1)]
            await self._set(None, trying=pause_s <= _WAITED_FOR_SECONDS)
            _log.warning("connection lost", reason=self.reason, again_in_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _once(self) -> None:
        """One connection, until it is lost."""
        async with self._connect() as link:
            self._link = link
            try:
                await self._set(link.connection, trying=False)
                await self._on_connected(link.connection)
                await self._until_lost(link)
                self.reason = link.reason()
                await self._set(None, trying=True)
            finally:
                self._link = None

    async def _until_lost(self, link: Link) -> None:
        missed = 0
        while True:
            try:
                async with asyncio.timeout(self._look_every_s):
                    await link.lost.wait()
                    return
            except TimeoutError:
                missed = 0 if self.busy or await _answers(link.connection) else missed + 1
            if missed >= _MISSES and not self.busy:
                _log.error("the server hangs: it is ended, to start again")
                link.cut()
                link.lost.set()

    def _look_at(self, error: MCPError, connection: Connection) -> None:
        """Tell a lost connection in our words. Raises MCPError; returns for the server's own errors."""
        link = self._link
        if "Session terminated" in error.message and link is not None and link.connection is connection:
            link.lost.set()  # the server forgot the session: a new one is begun
        elif error.code != CONNECTION_CLOSED or error.message != "Connection closed":
            return
        reason = link.reason() if link is not None and link.connection is connection else self.reason
        raise MCPError(UNAVAILABLE, f"The server broke off, and may have done it: {reason}") from None

    async def _set(self, connection: Connection | None, *, trying: bool) -> None:
        async with self._changed:
            self.connection, self._trying = connection, trying
            self._changed.notify_all()


async def _answers(connection: Connection) -> bool:
    """Whether the server answers a question that costs it nothing; an error is an answer."""
    method = "server/discover" if connection.modern else "ping"
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.request(method, {})
    except TimeoutError:
        return False
    except MCPError as error:
        return error.code not in (CONNECTION_CLOSED, UNAVAILABLE)
    return True


def _first(group: BaseExceptionGroup[Exception]) -> str:
    """What the first of these errors says."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

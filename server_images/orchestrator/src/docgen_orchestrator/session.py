"""What is remembered of one client of an older protocol era that has a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from docgen_common.legacy_sessions import connection_of
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ResourceUpdated, ServerEvent, SubscriptionBus
from mcp.shared.subscriptions import event_to_notification
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, LOG_LEVEL_META_KEY

_STATE = "docgen"
_CAN_ANSWER = ("elicitation", "sampling", "roots")

Context = ServerRequestContext[Any, Any]


class Session:
    """The level of logs that was asked for, the resources that are watched, and what is still to be told."""

    def __init__(self, connection: Connection, bus: SubscriptionBus) -> None:
        self.level: str | None = None
        self.watched: dict[str, AsyncExitStack] = {}
        self._connection = connection
        self._pending: dict[ServerEvent, None] = {}
        self._more = asyncio.Event()
        self._unsubscribe: Callable[[], None] = bus.subscribe(self._note)
        self._telling = asyncio.create_task(self._tell())

    def _note(self, event: ServerEvent) -> None:
        """Keep ``event`` to be told: once, however often it came, so that a slow client costs nothing."""
        if not isinstance(event, ResourceUpdated) or event.uri in self.watched:
            self._pending[event] = None
            self._more.set()

    async def _tell(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            pending, self._pending = self._pending, {}
            for event in pending:
                note = event_to_notification(event, {}).model_dump(by_alias=True, mode="json")
                params = {"uri": event.uri} if isinstance(event, ResourceUpdated) else None
                await self._connection.notify(note["method"], params)

    async def close(self) -> None:
        """Let go of everything: the session has ended."""
        self._unsubscribe()
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)
        while self.watched:
            await self.watched.popitem()[1].aclose()


def begin(ctx: Context, bus: SubscriptionBus) -> Session:
    """The session of ``ctx``, which must have one; told of what ``bus`` carries until it ends."""
    connection = connection_of(ctx)
    session = connection.state.get(_STATE)
    if not isinstance(session, Session):
        session = connection.state[_STATE] = Session(connection, bus)
        connection.exit_stack.push_async_callback(session.close)
    return session


def claims(ctx: Context) -> dict[str, Any]:
    """What the ``_meta`` of a request to a server says of a client of an older era.

    Without a session it can answer no questions, and gets no logs.
    """
    session = ctx.session
    known = session.client_capabilities if session.can_send_request else None
    if known is None:
        return {CLIENT_CAPABILITIES_META_KEY: {}}
    told = known.model_dump(by_alias=True, mode="json", exclude_none=True)
    said: dict[str, Any] = {
        CLIENT_CAPABILITIES_META_KEY: {name: told[name] for name in _CAN_ANSWER if name in told}
    }
    if session.client_params is not None:
        info = session.client_params.client_info
        said[CLIENT_INFO_META_KEY] = info.model_dump(by_alias=True, mode="json", exclude_none=True)
    state = connection_of(ctx).state.get(_STATE)
    if isinstance(state, Session) and state.level is not None:
        said[LOG_LEVEL_META_KEY] = state.level
    return said

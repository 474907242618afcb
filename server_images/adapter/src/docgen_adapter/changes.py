"""What the server says of changes, to those who listen here.

A server of 2026-07-28 tells changes on a stream that is asked for; an older one tells changed lists unasked,
and changed resources to who subscribed. Here it is all one bus. After the connection was lost and made
again, listeners are told that everything may have changed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import mcp_types as types
import structlog
from mcp.client.subscriptions import SubscriptionLost, listen
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError

from docgen_adapter.connection import Connection
from docgen_adapter.told_lines import ToldLines

_LISTS: tuple[ServerEvent, ...] = (ToolsListChanged(), PromptsListChanged(), ResourcesListChanged())
_PAUSE_SECONDS = 5.0
_log = structlog.stdlib.get_logger("docgen.changes")


class Changes:
    """The bus, and what keeps it supplied."""

    def __init__(self, told: ToldLines) -> None:
        self.bus = InMemorySubscriptionBus()
        self._told = told
        self._wanted: Counter[str] = Counter()
        self._more = asyncio.Event()
        self._connection: Connection | None = None
        self._connected_before = False
        self._listening: asyncio.Task[None] | None = None

    async def on_notification(self, note: Any) -> None:
        """Take one notification of the server."""
        if isinstance(note, types.ToolListChangedNotification):
            await self.bus.publish(ToolsListChanged())
        elif isinstance(note, types.PromptListChangedNotification):
            await self.bus.publish(PromptsListChanged())
        elif isinstance(note, types.ResourceListChangedNotification):
            await self.bus.publish(ResourcesListChanged())
        elif isinstance(note, types.ResourceUpdatedNotification):
            await self.bus.publish(ResourceUpdated(str(note.params.uri)))
        elif isinstance(note, types.LoggingMessageNotification):
            self._told.tell("the server logs", str(note.params.data).encode("utf-8", "replace"))

    async def connected(self, connection: Connection) -> None:
        """Listen on a new connection, and tell what may have been missed."""
        self._connection = connection
        if self._listening is not None:
            self._listening.cancel()
        if connection.modern:
            self._listening = asyncio.create_task(self._listen(connection))
        else:
            for uri in list(self._wanted):
                await self._ask("resources/subscribe", uri)
        if self._connected_before:
            for event in (*_LISTS, *(ResourceUpdated(uri) for uri in list(self._wanted))):
                await self.bus.publish(event)
        self._connected_before = True

    @asynccontextmanager
    async def wanting(self, uris: Sequence[str]) -> AsyncIterator[None]:
        """Have these resources listened for meanwhile."""
        new = [uri for uri in uris if not self._wanted[uri]]
        self._wanted.update(uris)
        try:
            await self._subscribe(new)
            yield
        finally:
            self._wanted.subtract(uris)
            self._wanted = +self._wanted
            for uri in uris:
                if not self._wanted[uri] and self._connection is not None and not self._connection.modern:
                    await self._ask("resources/unsubscribe", uri)

    def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()

    async def _subscribe(self, uris: Sequence[str]) -> None:
        if self._connection is None or not uris:
            return
        if self._connection.modern:
            self._more.set()
            return
        for uri in uris:
            await self._ask("resources/subscribe", uri)

    async def _ask(self, method: str, uri: str) -> None:
        """Subscribe or unsubscribe; a server that cannot is honoured, and never tells."""
        if self._connection is not None and self._connection.offers("resources"):
            with suppress(MCPError, TimeoutError):
                async with asyncio.timeout(_PAUSE_SECONDS):
                    await self._connection.request(method, {"uri": uri})

    async def _listen(self, connection: Connection) -> None:
        """Have a stream of changes open as long as the connection lives; events come as notifications."""
        while True:
            self._more.clear()
            try:
                async with listen(
                    connection.session,
                    tools_list_changed=True,
                    prompts_list_changed=True,
                    resources_list_changed=True,
                    resource_subscriptions=sorted(self._wanted),
                ) as stream:
                    ended = asyncio.ensure_future(_drained(stream))
                    more = asyncio.ensure_future(self._more.wait())
                    await asyncio.wait({ended, more}, return_when=asyncio.FIRST_COMPLETED)
                    ended.cancel()
                    more.cancel()
            except (MCPError, SubscriptionLost, RuntimeError) as error:
                _log.info("server tells no changes", reason=str(error))
            if not self._more.is_set():
                await asyncio.sleep(_PAUSE_SECONDS)


async def _drained(stream: Any) -> None:
    with suppress(SubscriptionLost):
        async for _ in stream:
            continue

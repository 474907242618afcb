"""What changes at one server: a listener at it, for everybody who listens here.

Theory of operation. However many callers listen, there is one ``subscriptions/listen`` to each server: for
its lists always, and for the resources that any caller asked for. When a caller asks for another resource, a
new stream with the larger filter is opened and acknowledged before the old one is let go, so nothing falls
between them (a change may be told twice, which is harmless: it only says "look again"). A stream that was
lost is opened anew, and as nobody knows what was missed, everything counts as changed then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from mcp.server.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.subscriptions import event_from_wire

from docgen_orchestrator.offer import OWN_META
from docgen_orchestrator.upstream import Call, RpcError, UnavailableError, Upstream

_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_PAUSE_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
_UNABLE_SECONDS = 60.0
_WANTED_SECONDS = 2.0
Hearer = Callable[[ServerEvent], Awaitable[None]]
"""Takes what changed at a server."""

LISTS: tuple[ServerEvent, ...] = (ToolsListChanged(), PromptsListChanged(), ResourcesListChanged())
"""Every list of a server changed."""

_log = structlog.stdlib.get_logger("docgen.changes")


class Changes:
    """Listens at ``upstream``; tells ``hearers``, and ``outdated`` when its lists are no longer true."""

    def __init__(self, name: str, upstream: Upstream, outdated: Callable[[], None]) -> None:
        self.hearers: list[Hearer] = []
        self._name = name
        self._upstream = upstream
        self._outdated = outdated
        self._wanted: Counter[str] = Counter()
        self._more = asyncio.Event()
        self._heard: frozenset[str] = frozenset()
        self._acknowledged = asyncio.Condition()
        self._lost = False

    @asynccontextmanager
    async def wanting(self, uris: Sequence[str]) -> AsyncIterator[None]:
        """Have ``uris`` listened for meanwhile; entered when the server knows, or soon in any case."""
        self._wanted.update(uris)
        try:
            if not self._heard.issuperset(uris):
                self._more.set()
                await self._until_heard(uris)
            yield
        finally:
            self._wanted.subtract(uris)
            self._wanted = +self._wanted

    async def run(self) -> None:
        """Listen until cancelled."""
        tries = 0
        old: asyncio.Task[None] | None = None
        while True:
            self._more.clear()
            uris = frozenset(self._wanted)
            begun = asyncio.Event()
            stream = asyncio.create_task(self._listen(uris, begun))
            try:
                await _first(stream, begun)
                await _end(old)
                old = None
                if begun.is_set():
                    tries = 0
                    await self._begun(uris)
                    await _first(stream, self._more)
                if stream.done():
                    await asyncio.sleep(self._pause(stream, tries))
                    tries += 1
                else:
                    old = stream
            except BaseException:
                await _end(stream)
                await _end(old)
                raise

    async def _listen(self, uris: frozenset[str], begun: asyncio.Event) -> None:
        """One stream, until the server ends it or it is lost."""
        wanted: dict[str, Any] = {
            "toolsListChanged": True,
            "promptsListChanged": True,
            "resourcesListChanged": True,
            "resourceSubscriptions": sorted(uris),
        }

        async def on_note(method: str, params: Mapping[str, Any]) -> None:
            if method == _ACKNOWLEDGED:
                begun.set()
            elif (event := event_from_wire(method, params)) is not None:
                await self._tell(event)

        call = Call("subscriptions/listen", {"_meta": OWN_META, "notifications": wanted}, repeatable=True)
        await self._upstream.request(call, on_note)

    async def _begun(self, uris: frozenset[str]) -> None:
        async with self._acknowledged:
            self._heard = uris
            self._acknowledged.notify_all()
        if self._lost:
            self._lost = False
            updated: list[ServerEvent] = [ResourceUpdated(uri) for uri in sorted(uris)]
            for event in (*LISTS, *updated):
                await self._tell(event)

    async def _tell(self, event: ServerEvent) -> None:
        if not isinstance(event, ResourceUpdated):
            self._outdated()
        for hear in self.hearers:
            await hear(event)

    async def _until_heard(self, uris: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(_WANTED_SECONDS), self._acknowledged:
                await self._acknowledged.wait_for(lambda: self._heard.issuperset(uris))
        except TimeoutError:
            return  # the server is away: its callers are told that all changed when it is back

    def _pause(self, stream: asyncio.Task[None], tries: int) -> float:
        """How long to wait after ``stream`` ended, in seconds."""
        self._heard, self._lost = frozenset(), True
        error = stream.exception()
        if isinstance(error, RpcError):
            _log.info("server tells no changes", backend=self._name, reason=error.message)
            return _UNABLE_SECONDS
        if error is not None and not isinstance(error, UnavailableError):
            _log.error("listening failed", backend=self._name, exc_info=error)
        return _PAUSE_SECONDS[min(tries, len(_PAUSE_SECONDS) - 1)]


async def _first(stream: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait for the end of ``stream`` or for ``event``."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({stream, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _end(stream: asyncio.Task[None] | None) -> None:
    if stream is not None:
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)

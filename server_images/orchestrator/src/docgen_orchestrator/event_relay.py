"""The events of all servers as one stream.

Theory of operation. For each listener there is one stream to each server that has events, taken up again when
it breaks, after the last event that came from there. The id of an event names the place in every server's
stream (``main=4f2a-17,other=…``), so a listener that comes back goes on everywhere. Events wait in one short
queue; a listener that is slow makes the servers' own streams wait, and is cut off where it is served.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress

import structlog
from docgen_common.auth import CALLER_HEADER, current_grants
from docgen_common.correlation import current_correlation_id
from docgen_common.event_stream import MISSED, READY, Source, StreamEvent

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.upstream import UnavailableError

_QUEUED = 16
_READY_SECONDS = 2.0
_ADJUST_SECONDS = 1.0
_PAUSE_SECONDS = (0.1, 0.5, 1.0, 2.0)
_PLACE = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})=([A-Za-z0-9-]{1,64})")
_log = structlog.stdlib.get_logger("docgen.events")


Queue = asyncio.Queue[tuple[str, StreamEvent]]


def event_source(servers: Callable[[], Sequence[Backend]]) -> Source:
    """A source on the servers that have events, for each listener on those that its key is given."""

    async def events(after: str | None, caller: str | None) -> AsyncGenerator[StreamEvent, None]:
        places, understood = _places(after)
        queue: Queue = asyncio.Queue(_QUEUED)
        readers = _Readers(servers, caller, places, queue)
        try:
            missed, early = await _all_ready(queue, readers.adjust(), places)
            first = READY if understood and not missed else MISSED
            yield StreamEvent(_cursor(places), first, time.time(), {"servers": sorted(missed)})
            readers.keep_adjusting()
            while True:
                name, event = early.popleft() if early else await queue.get()
                places[name] = event.id
                if event.type != READY:
                    data = {"server": name, **event.data}
                    yield StreamEvent(_cursor(places), event.type, event.time, data)
        finally:
            await readers.end()

    return events


class _Readers:
    """The streams of one listener: one to each server that has events and that its key is given."""

    def __init__(
        self,
        servers: Callable[[], Sequence[Backend]],
        caller: str | None,
        places: Mapping[str, str],
        queue: Queue,
    ) -> None:
        self._servers = servers
        self._grants = current_grants()
        self._caller = caller
        self._places = places
        self._queue = queue
        self._readers: dict[Backend, asyncio.Task[None]] = {}
        self._adjusting: asyncio.Task[None] | None = None

    def adjust(self) -> set[str]:
        """Read from the servers that there are now and from no others; returns their names."""
        wanted = [b for b in self._servers() if b.route.events_url and self._grants.allows_server(b.name)]
        for backend in [backend for backend in self._readers if backend not in wanted]:
            self._readers.pop(backend).cancel()
        for backend in wanted:
            if backend not in self._readers:
                place = self._places.get(backend.name)
                follow = _follow(backend, place, self._caller, self._queue)
                self._readers[backend] = asyncio.create_task(follow)
        return {backend.name for backend in wanted}

    def keep_adjusting(self) -> None:
        """Notice from now on when servers come and go."""
        self._adjusting = asyncio.create_task(self._adjust_often())

    async def end(self) -> None:
        """Let go of all streams."""
        tasks = [*self._readers.values(), *([self._adjusting] if self._adjusting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _adjust_often(self) -> None:
        while True:
            await asyncio.sleep(_ADJUST_SECONDS)
            self.adjust()


async def _all_ready(
    queue: Queue, waiting: set[str], places: dict[str, str]
) -> tuple[set[str], deque[tuple[str, StreamEvent]]]:
    """Wait until every server told where its stream begins, or for a short time.

    Returns the servers that lost events, and the events that came meanwhile.
    """
    missed: set[str] = set()
    early: deque[tuple[str, StreamEvent]] = deque()
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY_SECONDS):
            while waiting and len(early) < _QUEUED:
                name, event = await queue.get()
                if event.type in (READY, MISSED):
                    waiting.discard(name)
                    places[name] = event.id
                    missed |= {name} if event.type == MISSED else set()
                else:
                    early.append((name, event))
    return missed, early


async def _follow(backend: Backend, place: str | None, caller: str | None, queue: Queue) -> None:
    """Put the server's events into ``queue``, for ever."""
    failures = 0
    correlation = current_correlation_id()
    while True:
        headers = {
            **({"X-Correlation-ID": correlation} if correlation else {}),
            **({CALLER_HEADER: caller} if caller else {}),
            **({"Last-Event-ID": place} if place else {}),
        }
        url = backend.route.events_url or ""
        try:
            async with aclosing(backend.events(url, headers)) as stream:
                async for data in stream:
                    event = _parsed(data)
                    place, failures = event.id, 0
                    await queue.put((backend.name, event))
        except UnavailableError as error:
            if not failures:
                _log.info("events broken off", backend=backend.name, reason=error.reason)
        await asyncio.sleep(_PAUSE_SECONDS[min(failures, len(_PAUSE_SECONDS) - 1)])
        failures += 1


def _parsed(data: bytes) -> StreamEvent:
    """One event of a server. Raises UnavailableError for what is none."""
    try:
        fields = json.loads(data)
        return StreamEvent(
            str(fields["id"]), str(fields["type"]), float(fields["time"]), dict(fields["data"])
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnavailableError("it sent something else than events", sent=True) from None


def _cursor(places: dict[str, str]) -> str:
    return ",".join(f"{name}={place}" for name, place in sorted(places.items())) or "start"


def _places(after: str | None) -> tuple[dict[str, str], bool]:
    """Server → id in its own stream, and whether ``after`` was one of our ids (or none was given)."""
    if after is None or after == "start":
        return {}, True
    found = [_PLACE.fullmatch(part) for part in after.split(",")]
    known = {match[1]: match[2] for match in found if match}
    return (known, True) if len(known) == len(found) else ({}, False)

"""The one place where this server says what happens: documents, files, templates.

Theory of operation. Tools run on the event loop and in worker threads; both call `publish`. Events get
numbers without gaps and are kept in a ring, so that a listener who comes back with the last number it saw
gets what it missed, or is told that some of it is gone. A listener never makes a publisher wait: each has a
queue of bounded length, and one that does not read is cut off.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

EventType = Literal[
    "document.started",
    "document.section",
    "document.finished",
    "document.failed",
    "file.written",
    "file.moved",
    "file.deleted",
    "file.changed",
    "template.changed",
    "template.deleted",
]

KEPT = 1_000
QUEUED = 256


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: number (from 1, without gaps), type, seconds since 1970, plain JSON data.

    `owner` is the id of the API key on whose behalf it happened; None means that everybody may know.
    """

    id: int
    type: EventType
    time: float
    data: Mapping[str, Any]
    owner: str | None = None


class SlowListenerError(Exception):
    """The listener did not read for so long that its queue is full; it is cut off."""


class Hub:
    """Numbers, keeps and hands out events. All methods may be called from any thread."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._ring: deque[Event] = deque(maxlen=kept)
        self._last = 0
        self._listeners: set[Subscription] = set()
        self._lock = threading.Lock()
        self._came = asyncio.Event()

    def publish(self, kind: EventType, /, *, owner: str | None = None, **data: Any) -> Event:
        """Tell everybody; returns the event. Never blocks and never raises for a listener's sake."""
        with self._lock:
            self._last += 1
            event = Event(self._last, kind, time.time(), data, owner)
            self._ring.append(event)
            for listener in self._listeners:
                listener.put(event)
        return event

    @property
    def last_id(self) -> int:
        """Number of the newest event; 0 before the first."""
        return self._last

    @property
    def listening(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    @property
    def watched(self) -> bool:
        """Whether anybody listens who wants to hear of files that others change on the disk."""
        with self._lock:
            return any(listener.of_disk for listener in self._listeners)

    def subscribe(
        self, *, after: int | None = None, queued: int = QUEUED, of_disk: bool = True
    ) -> "Subscription":
        """Listen from now on, or from the event after number `after`. Call it on the running event loop.

        `Subscription.missed` says whether events after `after` are gone already. Without `of_disk` nobody
        need look for files that others change on the disk, which costs time while it goes on.
        """
        with self._lock:
            backlog = [event for event in self._ring if after is not None and event.id > after]
            oldest = self._ring[0].id if self._ring else self._last + 1
            missed = after is not None and (after + 1 < oldest or after > self._last)
            start = backlog[0].id - 1 if backlog else self._last
            listener = Subscription(self, asyncio.get_running_loop(), backlog, queued, missed, start)
            listener.of_disk = of_disk
            self._listeners.add(listener)
            self._came.set()
        return listener

    async def until_watched(self) -> None:
        """Wait until `watched`. For one waiting task, on the event loop where listeners come."""
        while not self.watched:
            self._came.clear()
            await self._came.wait()

    def leave(self, listener: "Subscription") -> None:
        """Forget `listener`; more than once is fine."""
        with self._lock:
            self._listeners.discard(listener)


class Subscription:
    """One listener: iterate over it for events; leave it with `close()` or as a context manager.

    `missed` says that events it asked for are gone; `start` is the number before its first event; `of_disk`
    whether it wants to hear of files that others change.
    Iteration raises `SlowListenerError` once more than `queued` events wait beyond the backlog.
    """

    def __init__(
        self,
        hub: Hub,
        loop: asyncio.AbstractEventLoop,
        backlog: list[Event],
        queued: int,
        missed: bool,
        start: int,
    ) -> None:
        self.missed = missed
        self.start = start
        self.of_disk = True
        self._hub = hub
        self._loop = loop
        self._waiting: deque[Event] = deque(backlog)
        self._most = len(backlog) + queued
        self._overflowed = False
        self._filled = asyncio.Event()

    def put(self, event: Event) -> None:
        """For the hub: queue `event`, from whatever thread."""
        if len(self._waiting) >= self._most:
            self._overflowed = True
        else:
            self._waiting.append(event)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._filled.set)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events in order, for ever."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._overflowed:
                raise SlowListenerError
            self._filled.clear()
            if not self._waiting and not self._overflowed:
                await self._filled.wait()

    def close(self) -> None:
        """Stop listening."""
        self._hub.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

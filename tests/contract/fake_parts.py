"""What a fake engine's machine is made of: containers, volumes, programs, a clock, subscribers of events."""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from docgenctl.model.observed import ContainerEvent, Health, LogLine, ObservedContainer
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Service, Volume


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a command does when a container runs it; by default it prints nothing, runs on and is healthy.

    `output` holds (stream, text) pairs; with an `exit_code` the program ends at once. `restores` is the
    number of starts after which it no longer ends.
    """

    output: tuple[tuple[str, str], ...] = ()
    exit_code: int | None = None
    health: Health = Health.HEALTHY
    restores: int | None = None


@dataclass
class FakeContainer:
    """A container and what the engine keeps about it."""

    seen: ObservedContainer
    service: Service
    lines: list[LogLine] = field(default_factory=list)
    starts: int = 0

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.seen.state == "running"

    def becomes(self, **changes: object) -> None:
        """Change what the engine says of it."""
        self.seen = replace(self.seen, **changes)  # type: ignore[arg-type]


@dataclass
class FakeVolume:
    """A volume: versions of files by directory name, and which of them is current."""

    volume: Volume
    labels: Mapping[str, str]
    owner: str = ""
    versions: dict[str, Mapping[str, bytes | Secret]] = field(default_factory=dict)
    current: str = ""

    @property
    def files(self) -> Mapping[str, bytes | Secret]:
        """What a reader finds behind `current`."""
        return self.versions.get(self.current, {})


class Clock:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()

    def read(self) -> str:
        """The time, RFC 3339."""
        with self._lock:
            self._now += timedelta(milliseconds=1)
            return self._now.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Subscribers:
    """Hands each event to everybody who listens at that moment."""

    def __init__(self) -> None:
        self._queues: list[tuple[str, queue.SimpleQueue[ContainerEvent | None]]] = []
        self._lock = threading.Lock()

    def tell(self, project: str, event: ContainerEvent) -> None:
        """Send to all listeners of that project."""
        with self._lock:
            for wanted, listener in self._queues:
                if wanted == project:
                    listener.put(event)

    @contextmanager
    def listen(self, project: str) -> Iterator[Iterator[ContainerEvent]]:
        """Events from now on; leaving ends the iterator."""
        listener: queue.SimpleQueue[ContainerEvent | None] = queue.SimpleQueue()
        with self._lock:
            self._queues.append((project, listener))
        try:
            yield iter(listener.get, None)
        finally:
            with self._lock:
                self._queues.remove((project, listener))
            listener.put(None)

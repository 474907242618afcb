"""The engine's events of one project, as a context: subscribed when entered, ended when left.

The engine sends its answer's head before it subscribes, so an event of the first microseconds could be
lost; asking for everything since the moment before the call closes that gap (the engine hands over what it
has buffered and what follows under one lock, so nothing comes twice).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from docgenctl.engine.labels import COMPOSE_PROJECT
from docgenctl.engine.observation import event_from
from docgenctl.engine.wire import Stream, Wire
from docgenctl.model.observed import ContainerEvent

_KINDS = ["start", "die", "oom", "health_status", "destroy"]


@contextmanager
def subscribed(wire: Wire, project: str) -> Iterator[Iterator[ContainerEvent]]:
    """Events of the project's containers; leaving ends the iterator, whichever thread waits on it."""
    wanted = {"type": ["container"], "label": [f"{COMPOSE_PROJECT}={project}"], "event": _KINDS}
    listening = wire.stream("listen to events", "/events", silence_s=None, since=_now(), filters=wanted)
    with listening as stream:
        yield _translated(stream)


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{seconds}.{nanoseconds:09d}"


def _translated(stream: Stream) -> Iterator[ContainerEvent]:
    for line in stream.lines():
        try:
            event = event_from(json.loads(line))
        except ValueError:  # cut off when the engine ended
            return
        if event is not None:
            yield event

"""The engine's events of one project, as a context: subscribed when entered, ended when left.

The engine sends its answer's head before it subscribes, so an event of the first microseconds could be
lost; asking for everything since the moment before the call closes that gap (the engine hands over what it
has buffered and what follows under one lock, so nothing comes twice).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docgenctl.engine.client import answers
from docgenctl.engine.labels import COMPOSE_PROJECT
from docgenctl.engine.observation import event_from
from docgenctl.model.observed import ContainerEvent

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types.daemon import CancellableStream

_KINDS = ["start", "die", "oom", "health_status", "destroy"]


@contextmanager
def subscribed(api: APIClient, project: str) -> Iterator[Iterator[ContainerEvent]]:
    """Events of the project's containers; leaving ends the iterator, whichever thread waits on it."""
    with answers("listen to events"):
        stream = api.events(  # type: ignore[call-overload]  # `since` is passed on as it is, text too
            since=_now(),
            filters={"type": "container", "label": f"{COMPOSE_PROJECT}={project}", "event": _KINDS},
            decode=True,
        )
    try:
        yield _translated(stream)
    finally:
        _close(stream)


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{seconds}.{nanoseconds:09d}"


def _translated(stream: CancellableStream[dict[str, Any]]) -> Iterator[ContainerEvent]:
    try:
        for answer in stream:
            event = event_from(answer)
            if event is not None:
                yield event
    except (ValueError, AttributeError):
        # The socket was closed under the reader by the other thread: urllib3 then reads from nothing.
        return


def _close(stream: CancellableStream[dict[str, Any]]) -> None:
    try:
        stream.close()
    except (OSError, AttributeError):
        return  # already closed by the engine's end

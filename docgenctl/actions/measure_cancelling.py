"""How soon a stream that its caller closed ends in the services behind.

It is seen where it matters: in the logs of the services, by the clock that this machine and its containers
share. The stream is `/events`, which ends by nothing but being closed, and costs the servers nothing.
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from docgenctl.endpoint import Endpoint
from docgenctl.endpoint.event_listener import EventListener
from docgenctl.engine.protocol import Engine
from docgenctl.model.observed import LogLine, ObservedContainer
from docgenctl.model.verification import Cancels, Times

_STREAMS = 5
_PATIENCE_S = 5.0
_POLL_S = 0.1


def measure_cancelling(
    endpoint: Endpoint, engine: Engine, services: Sequence[ObservedContainer]
) -> tuple[Cancels, ...]:
    """Open and close a few streams; when each service logged the end of each. Raises NotHealthyError."""
    closed: dict[str, float] = {}
    begun = datetime.now(UTC).isoformat()
    for _ in range(_STREAMS):
        mark = f"verify-{uuid.uuid4().hex}"
        listener = EventListener(endpoint, correlation_id=mark)
        next(iter(listener))
        closed[mark] = time.time()
        listener.close()
    return tuple(_seen(engine, service, closed, begun) for service in services)


def _seen(engine: Engine, container: ObservedContainer, closed: Mapping[str, float], since: str) -> Cancels:
    """When the service logged the end of each stream; waits for them a few seconds."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        ends = _ends(engine.logs(container, tail=None, follow=False, since=since))
        if closed.keys() <= ends.keys() or time.monotonic() > deadline:
            break
        threading.Event().wait(_POLL_S)
    times = [max(0.0, (ends[mark] - at) * 1000) for mark, at in closed.items() if mark in ends]
    return Cancels(service=container.service, times=Times(tuple(times)), unseen=len(closed) - len(times))


def _ends(lines: Iterable[LogLine]) -> dict[str, float]:
    """Correlation id → seconds since the epoch at which its listener left, as the service says itself."""
    found = {}
    for line in lines:
        if '"listener left"' not in line.text:
            continue
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(line.text)
            found[str(told["correlation_id"])] = datetime.fromisoformat(told["time"]).timestamp()
    return found

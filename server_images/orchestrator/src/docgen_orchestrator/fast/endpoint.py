"""What the raw path needs at hand for each endpoint, and what all of them share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from docgen_common.hosts import Hosts
from docgen_common.keys import KeyRing
from docgen_common.metrics import Metrics
from docgen_common.rates import Limiter
from msgspec import Raw
from prometheus_client import Counter, Histogram

from docgen_orchestrator.fast.listing import Listing
from docgen_orchestrator.fast.reply import Stamps
from docgen_orchestrator.fast.targets import Targets
from docgen_orchestrator.fast.telling import Telling
from docgen_orchestrator.resilience.deadlines import Deadlines
from docgen_orchestrator.view import View

_MOST_HOSTS = 64


class Endpoint:
    """One path at which callers find tools."""

    def __init__(self, path: str, view: View, server_info: Any) -> None:
        self.path = path
        stamp = Raw(json.dumps(server_info).encode())
        self.stamps = Stamps(stamp)
        self.json_path = json.dumps(path).encode()
        self.targets = Targets(view)
        self.listing = Listing(view, stamp)
        self._observers: dict[int, tuple[Counter, Histogram]] = {}

    def observers(self, metrics: Metrics, status: int) -> tuple[Counter, Histogram]:
        """What counts requests that ended, and what takes their durations; looked up once."""
        found = self._observers.get(status)
        if found is None:
            found = self._observers[status] = metrics.observers(self.path, "POST", status)
        return found


FindEndpoint = Callable[[bytes], Endpoint | None]
"""The endpoint at a path, or None; endpoints may come and go while the server runs."""


@dataclass(frozen=True)
class Shared:
    """What every raw request uses. ``overloaded`` callers are refused when ``deadlines`` says so."""

    find: FindEndpoint
    ring: KeyRing
    limiter: Limiter
    telling: Telling
    deadlines: Deadlines[Any]
    knows_host: Callable[[bytes], bool]


def host_check(allowed: tuple[str, ...]) -> Callable[[bytes], bool]:
    """Whether a ``Host`` line may pass, as ``Hosts`` has it; good ones are remembered."""
    hosts = Hosts(_nobody, allowed)
    known: set[bytes] = set()

    def knows(line: bytes) -> bool:
        if line in known:
            return True
        if not hosts.knows(line.decode("latin-1")):
            return False
        if len(known) < _MOST_HOSTS:
            known.add(line)
        return True

    return knows


async def _nobody(*_: Any) -> None:
    """There is no application behind a check."""

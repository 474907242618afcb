"""`docgenctl health --watch`: the same layers again and again, for next to nothing.

Theory of operation. A watch of one second must not cost what a check costs. So what can be told is not
asked: the engine reports what happens to containers, and they are looked at again only then. What must be
asked is asked over connections that are kept: one request a round, which the orchestrator answers for all
servers. The real tool calls, which cost everybody most, come every half minute, and at once after anything
has changed. A layer that was not probed in this round keeps its last result, as long as its ground holds.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from docgenctl.actions.call_canaries import PROBE_TIMEOUT_S, call_canaries, canaries_of
from docgenctl.actions.check_health import check_containers
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.endpoint.probe import ReadinessProbe, probe_discover
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import Server
from docgenctl.model.errors import EngineError
from docgenctl.model.health import HealthReport, LayerResult
from docgenctl.model.observed import ContainerEvent
from docgenctl.planning.resolve_servers import resolve_servers

#: Between two rounds of real tool calls while nothing happens.
TOOLS_EVERY_S = 30.0
#: Between two attempts to reach an engine that went away, and two looks at a container that is unwell.
ENGINE_EVERY_S = 5.0


def watch_health(
    opened: OpenProject,
    engine: Engine,
    *,
    interval_s: float,
    count: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[HealthReport]:
    """A report now and then every `interval_s`, without end or `count` times.

    Raises NotHealthyError when the stack was never started, and EngineError when the engine cannot be asked
    the first time; later on both are reported.
    """
    with ExitStack() as held:
        watch = _Watch(opened, engine, held, clock)
        due = clock()
        rounds = 0
        while True:
            yield watch.round()
            rounds += 1
            if rounds == count:
                return
            # A late round does not make the next ones hurry.
            now = clock()
            due = max(due + interval_s, now)
            pause(due - now)


class _Watch:
    """What is known, since when, and the connections to know more."""

    def __init__(
        self, opened: OpenProject, engine: Engine, held: ExitStack, clock: Callable[[], float]
    ) -> None:
        endpoint = find_endpoint(opened)
        self._opened = opened
        self._servers = resolve_servers(opened.configuration.settings, opened.facts)
        self._clock = clock
        self._probe = ReadinessProbe(endpoint)
        held.callback(self._probe.close)
        self._client = held.enter_context(McpEndpoint(endpoint, timeout_s=PROBE_TIMEOUT_S))
        self._containers = _Containers(opened, engine, self._servers, held, clock)
        self._tools: tuple[LayerResult, ...] = ()
        self._tools_at = float("-inf")
        self._seen: frozenset[tuple[str, str, bool]] = frozenset()

    def round(self) -> HealthReport:
        containers = self._containers.layers()
        answers = self._probe.ask()
        layers = [*containers, *answers]
        if answers[0].ok:
            layers += self._called(layers)
        else:
            self._tools_at = float("-inf")  # at once when it answers again
        return HealthReport(healthy=all(layer.ok for layer in layers), layers=tuple(layers))

    def _called(self, layers: list[LayerResult]) -> tuple[LayerResult, ...]:
        """The tools' layers; asked again when it is time, or when the other layers have changed."""
        seen = frozenset((layer.layer, layer.subject, layer.ok) for layer in layers)
        well = all(layer.ok for layer in self._tools)
        every_s = TOOLS_EVERY_S if well else ENGINE_EVERY_S
        if seen != self._seen or self._clock() - self._tools_at >= every_s:
            self._seen, self._tools_at = seen, self._clock()
            self._tools = (
                probe_discover(self._client),
                *call_canaries(canaries_of(self._servers), self._client),
            )
        return self._tools


@dataclass
class _Containers:
    """The engine's word on the containers, asked again when it has reported something about them."""

    opened: OpenProject
    engine: Engine
    servers: tuple[Server, ...]
    held: ExitStack
    clock: Callable[[], float]
    _last: tuple[LayerResult, ...] = ()
    _asked_at: float = float("-inf")
    _stale: threading.Event = field(default_factory=threading.Event)
    _listening: threading.Event = field(default_factory=threading.Event)

    def layers(self) -> tuple[LayerResult, ...]:
        waited = self.clock() - self._asked_at >= ENGINE_EVERY_S
        unwell = not self._listening.is_set() or not all(layer.ok for layer in self._last)
        if self._stale.is_set() or (unwell and waited):
            self._ask()
        return self._last

    def _ask(self) -> None:
        first = not self._last
        self._asked_at = self.clock()
        self._stale.clear()
        try:
            if not self._listening.is_set():
                self._listen()
            self._last = check_containers(self.opened, self.engine, self.servers)
        except EngineError as error:
            if first:
                raise
            self._last = (LayerResult("engine", self.engine.info().source, False, 0.0, error.message),)

    def _listen(self) -> None:
        context = self.engine.events(self.opened.project.name)
        events = context.__enter__()
        self.held.callback(context.__exit__, None, None, None)
        self._listening.set()
        threading.Thread(target=self._follow, args=(events,), name="health-watch", daemon=True).start()

    def _follow(self, events: Iterator[ContainerEvent]) -> None:
        try:
            for _ in events:
                self._stale.set()
        except EngineError:
            pass
        # The engine has ended, or we have.
        self._listening.clear()
        self._stale.set()

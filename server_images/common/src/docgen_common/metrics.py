"""What Prometheus may read: requests, their durations, those in flight, and tool calls.

Labels come from sets that a caller cannot enlarge: paths are templates of known routes, methods are the known
ones, tool names are those that a call of succeeded in finding, and no more than ``_MAX_TOOLS`` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MAX_TOOLS = 500


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "docgen_http_requests", "Requests served", ("path", "method", "status"), registry=self.registry
        )
        self.durations = Histogram(
            "docgen_http_request_duration_seconds",
            "Time from the first byte in to the last byte out",
            ("path", "method"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "docgen_http_requests_in_flight", "Requests being served", registry=self.registry
        )
        self.tool_calls = Counter(
            "docgen_tool_calls",
            "Tool calls by outcome: ok, error, failed",
            ("tool", "outcome"),
            registry=self.registry,
        )
        self._tools: set[str] = set()
        self.before_reading: list[Callable[[], None]] = []

    def observe(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count one served request; ``path`` is a template."""
        count, durations = self.observers(path, method, status)
        count.inc()
        durations.observe(seconds)

    def observers(self, path: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """What counts requests of a kind, and what takes their durations in seconds, to be kept."""
        known = method if method in _METHODS else "other"
        return self.requests.labels(path, known, str(status)), self.durations.labels(path, known)

    def count_tool(self, name: str, outcome: str, *, known: bool) -> None:
        """Count one tool call; a name that no tool has is counted as ``unknown``."""
        self.tool_counter(name, outcome, known=known).inc()

    def tool_counter(self, name: str, outcome: str, *, known: bool) -> Counter:
        """What counts calls of a tool with an outcome, to be kept."""
        if known and (name in self._tools or len(self._tools) < _MAX_TOOLS):
            self._tools.add(name)
        label = name if name in self._tools else "unknown"
        return self.tool_calls.labels(label, outcome)

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """Have ``count`` tell how many calls are under way that no middleware sees."""
        gauge = Gauge(
            "docgen_raw_calls_in_flight",
            "Tool calls being forwarded without the SDK",
            registry=self.registry,
        )
        gauge.set_function(count)

    def route(self) -> Route:
        """The guarded route ``/metrics``."""

        async def metrics(_: Request) -> Response:
            for bring_up_to_date in self.before_reading:
                bring_up_to_date()
            return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

        return Route("/metrics", metrics)


class PathTemplates:
    """Finds the template of a path among the application's routes; ``unmatched`` for all others.

    ``known`` are paths that stand for themselves although a route has a pattern for them.
    """

    def __init__(self, routes: Iterable[BaseRoute], known: Container[str] = ()) -> None:
        self._known = known
        self._routes = [route for route in routes if isinstance(route, Route)]
        self._plain = {route.path for route in self._routes if "{" not in route.path}
        self._patterns = [route for route in self._routes if "{" in route.path]

    def of(self, scope: Scope) -> str:
        """The template that serves the request of ``scope``."""
        path = str(scope["path"])
        if path in self._plain or path in self._known:
            return path
        for route in self._patterns:
            if route.matches(scope)[0] is not Match.NONE:
                return route.path
        return "unmatched"

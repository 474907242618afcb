"""Where each tool of an endpoint is called, worked out once for as long as its catalog stays the same."""

from __future__ import annotations

import msgspec
from docgen_common.metrics import Metrics
from mcp.shared.inbound import encode_header_value
from msgspec import Struct, field
from prometheus_client import Counter

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import Catalog, CatalogTool, NotOfferedError
from docgen_orchestrator.upstream import HttpUpstream
from docgen_orchestrator.view import View

_LOOK_EVERY_S = 0.005


class Target(Struct, frozen=True, eq=False):
    """One tool: its server, the head of requests for it, its name as JSON, and the one it has there."""

    tool: CatalogTool[Backend]
    backend: Backend
    server: str
    upstream: HttpUpstream
    head: bytes
    timeout_s: float
    read_only: bool
    json_name: bytes
    json_own_name: bytes
    counters: dict[str, Counter] = field(default_factory=dict)

    def counter(self, metrics: Metrics, outcome: str) -> Counter:
        """What counts calls that ended so; looked up once."""
        found = self.counters.get(outcome)
        if found is None:
            known = outcome != "failed"
            found = self.counters[outcome] = metrics.tool_counter(self.tool.shown_name, outcome, known=known)
        return found


class Targets:
    """The tools of one endpoint that the raw path may call, found by the name in the header line."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._catalog: Catalog[Backend] | None = None
        self._known: dict[bytes, Target] = {}
        self._look_at = 0.0

    def find(self, name: bytes, now: float) -> Target | None:
        """The tool of that name; None for what the raw path leaves to others.

        The catalog is looked at anew when some milliseconds have passed (``now`` is seconds of any clock).
        """
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_S
            if self._view.catalog is not self._catalog:
                self._catalog, self._known = self._view.catalog, {}
        found = self._known.get(name)
        if found is not None:
            return found
        target = None if self._catalog is None else _target(self._catalog, name)
        if target is not None:  # names that are not offered are the caller's choice: none is remembered
            self._known[name] = target
        return target


def _target(catalog: Catalog[Backend], name: bytes) -> Target | None:
    try:
        shown = name.decode("ascii")
        tool = catalog.tool(shown)
    except (NotOfferedError, UnicodeDecodeError):
        return None
    upstream = tool.backend.upstream
    if catalog.param_headers(shown) or not isinstance(upstream, HttpUpstream):
        return None
    return Target(
        tool=tool,
        backend=tool.backend,
        server=tool.backend.name,
        upstream=upstream,
        head=upstream.head + _lines(tool.upstream_name),
        timeout_s=tool.timeout_s or tool.backend.route.timeout_s,
        read_only=tool.read_only,
        json_name=msgspec.json.encode(shown),
        json_own_name=msgspec.json.encode(tool.upstream_name),
    )


def _lines(name: str) -> bytes:
    return f"Mcp-Method: tools/call\r\nMcp-Name: {encode_header_value(name)}\r\n".encode("latin-1")

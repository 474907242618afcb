"""Where each tool of an endpoint is called, worked out once for as long as its catalog stays the same."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from mcp.shared.inbound import encode_header_value
from msgspec import Raw

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import Catalog, CatalogTool, NotOfferedError
from docgen_orchestrator.upstream import HttpUpstream
from docgen_orchestrator.view import View


@dataclass(frozen=True, slots=True)
class Target:
    """One tool: its server, the head of requests for it, and its name there if that is another."""

    tool: CatalogTool[Backend]
    upstream: HttpUpstream
    head: bytes
    renamed: Raw | None
    timeout_s: float

    @property
    def backend(self) -> Backend:
        """The server."""
        return self.tool.backend


class Targets:
    """The tools of one endpoint that the raw path may call, found by the name in the header line."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._catalog: Catalog[Backend] | None = None
        self._known: dict[bytes, Target | None] = {}

    def find(self, name: bytes) -> Target | None:
        """The tool of that name; None for what the raw path leaves to others."""
        catalog = self._view.catalog
        if catalog is not self._catalog:
            self._catalog, self._known = catalog, {}
        if name in self._known:
            return self._known[name]
        target = _target(catalog, name)
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
        upstream=upstream,
        head=upstream.head + _lines(tool.upstream_name),
        renamed=None if tool.upstream_name == shown else Raw(msgspec.json.encode(tool.upstream_name)),
        timeout_s=tool.timeout_s or tool.backend.route.timeout_s,
    )


def _lines(name: str) -> bytes:
    return f"Mcp-Method: tools/call\r\nMcp-Name: {encode_header_value(name)}\r\n".encode("latin-1")

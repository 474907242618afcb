"""Which endpoints there are: ``/mcp``, one for each server, and those that are named in ``routing.yaml``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from docgen_common.mcp_endpoints import McpEndpoints
from mcp.server.lowlevel import Server

from docgen_orchestrator.fast.endpoint import Endpoint
from docgen_orchestrator.fleet import Fleet
from docgen_orchestrator.routing import Routing
from docgen_orchestrator.subset import Subset
from docgen_orchestrator.view import View

ALL = "/mcp"
_DRAIN_SECONDS = 60.0
_log = structlog.stdlib.get_logger("docgen.endpoints")


class Endpoints:
    """The views that are open, by path. ``build`` makes the MCP server that shows a view at a path.

    ``raw`` are the same endpoints for the raw path (docgen_orchestrator.fast).
    """

    def __init__(self, fleet: Fleet, build: Callable[[str, View], Server[Any]]) -> None:
        self.views: dict[str, View] = {}
        self.raw: dict[bytes, Endpoint] = {}
        self._fleet = fleet
        self._build = build
        self._closing: set[asyncio.Task[None]] = set()

    def begin(self, routing: Routing) -> dict[str, Server[Any]]:
        """The servers of all endpoints, by path, before anything is served."""
        subsets: dict[str, Subset | None] = {ALL: None, **_subsets(routing)}
        views = {path: View(self._fleet, subset) for path, subset in subsets.items()}
        servers = {path: self._build(path, view) for path, view in views.items()}
        for path, view in views.items():
            self._opened(path, view, servers[path])
        return servers

    async def replace(self, routing: Routing, served: McpEndpoints) -> None:
        """Serve the endpoints of ``routing`` and no others; a changed one shows something else from now."""
        wanted = _subsets(routing)
        for path in self.views.keys() - wanted.keys() - {ALL}:
            self._close(path, served)
        for path, subset in wanted.items():
            view = self.views.get(path)
            if view is not None:
                view.subset = subset if subset != view.subset else view.subset
            else:
                await self._open(path, View(self._fleet, subset), served)

    async def end(self) -> None:
        """Wait for nothing that is still being closed."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _open(self, path: str, view: View, served: McpEndpoints) -> None:
        server = self._build(path, view)
        await served.open(path, server)
        self._opened(path, view, server)
        _log.info("endpoint opened", path=path)

    def _opened(self, path: str, view: View, server: Server[Any]) -> None:
        self.views[path] = view
        self.raw[path.encode()] = Endpoint(path, view, server.server_info_stamp)
        self._fleet.views.append(view)

    def _close(self, path: str, served: McpEndpoints) -> None:
        view = self.views.pop(path)
        del self.raw[path.encode()]
        self._fleet.views.remove(view)
        closing = asyncio.create_task(served.close(path, within_s=_DRAIN_SECONDS))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        _log.info("endpoint closed", path=path)


def _subsets(routing: Routing) -> dict[str, Subset]:
    """Path to what is shown there."""
    own = [Subset(route.name, frozenset({route.name})) for route in routing.servers]
    return {f"{ALL}/{subset.name}": subset for subset in (*own, *routing.endpoints)}

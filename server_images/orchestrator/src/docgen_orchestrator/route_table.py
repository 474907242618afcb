"""``/routes``: what owns what, for those who run the stack. It tells of denied and held tools, too.

Only for keys that may do everything: for all others, what they may not use does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from docgen_common.auth import current_grants
from docgen_common.errors import error_response
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.endpoints import ALL, Endpoints
from docgen_orchestrator.fleet import Fleet
from docgen_orchestrator.globs import Globs
from docgen_orchestrator.inspection import Inspection
from docgen_orchestrator.lint import Finding
from docgen_orchestrator.offer import Item
from docgen_orchestrator.shaped import unmatched, unmatched_parts
from docgen_orchestrator.view import View

PATH = "/routes"
Findings = Mapping[tuple[str, str], Sequence[Finding]]


def routes_route(fleet: Fleet, endpoints: Endpoints, inspection: Inspection) -> Route:
    """The route, behind a key."""

    async def answer(_: Request) -> Response:
        if not current_grants().unrestricted:
            return error_response(403, "forbidden", "This needs a key with the scope *")
        await asyncio.gather(*(backend.refresh() for backend in fleet.backends))
        servers = [_server(b, await inspection.of(b), endpoints) for b in fleet.backends]
        collisions = endpoints.views[ALL].catalog.collisions
        return JSONResponse(
            {
                "version": 1,
                "servers": servers,
                "endpoints": [_endpoint(path, endpoints) for path in sorted(endpoints.views)],
                "collisions": [{"name": name, "owners": owners} for name, owners in collisions.items()],
            }
        )

    return Route(PATH, answer, methods=["GET"])


def _server(backend: Backend, findings: Findings, endpoints: Endpoints) -> dict[str, Any]:
    told, policy = backend.shelf.told, backend.route.tools
    tools = told.tools if told is not None else {}
    return {
        "name": backend.name,
        "down": backend.down,
        "told": told is not None,
        "changes": policy.changes,
        "timeout_s": backend.route.timeout_s,
        "policy_without_tool": list(unmatched(told, policy)) if told is not None else [],
        "policy_without_part": list(unmatched_parts(told, backend.route)) if told is not None else [],
        "tools": [
            _tool(backend, own, item, findings.get(("tool", own), ()), endpoints)
            for own, item in tools.items()
        ],
        "findings": [
            {"of": kind, "name": name, **asdict(finding)}
            for (kind, name), found in findings.items()
            for finding in found
            if kind != "tool"
        ],
    }


def _tool(
    backend: Backend, own: str, item: Item, findings: Sequence[Finding], endpoints: Endpoints
) -> dict[str, Any]:
    shelf, policy = backend.shelf, backend.route.tools
    shown = policy.shown_name(own)
    rate = policy.rate(own)
    annotations = item.get("annotations")
    return {
        "name": shown,
        "own_name": own,
        "denied": shown is None,
        "held": shelf.offer.held.get(shown) if shelf.offer is not None and shown is not None else None,
        "standing": shelf.standings[own].value,
        "digest": shelf.digests[own],
        "read_only": isinstance(annotations, Mapping) and annotations.get("readOnlyHint") is True,
        "timeout_s": policy.timeout_s(own) or backend.route.timeout_s,
        "rate": str(rate) if rate is not None else None,
        "endpoints": [] if shown is None else _shown_at(backend, shown, endpoints),
        "findings": [asdict(finding) for finding in findings],
        "definition": item,
    }


def _shown_at(backend: Backend, shown: str, endpoints: Endpoints) -> list[str]:
    """The paths at which this very tool can be called."""
    paths = []
    for path, view in sorted(endpoints.views.items()):
        catalog = view.catalog
        if shown in catalog.tools and catalog.tool(shown).backend is backend:
            paths.append(path)
    return paths


def _endpoint(path: str, endpoints: Endpoints) -> dict[str, Any]:
    view = endpoints.views[path]
    catalog = view.catalog
    return {
        "path": path,
        "servers": [backend.name for backend in view.backends],
        "tools": len(catalog.tools),
        "resources": len(catalog.resources) + len(catalog.templates),
        "prompts": len(catalog.prompts),
        "without_tool": _without_tool(view),
    }


def _without_tool(view: View) -> list[str]:
    """Patterns of a named endpoint that no tool matches; none as long as a server has told nothing."""
    if view.subset is None or any(backend.shelf.told is None for backend in view.backends):
        return []
    patterns = (glob for glob in view.subset.tools.patterns if glob != "*")
    return [glob for glob in patterns if not any(map(Globs((glob,)).match, view.catalog.tools))]

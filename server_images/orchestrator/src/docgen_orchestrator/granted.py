"""What of a catalog a key may use. Every path that lists or calls asks here.

What a key is not given it does not see, and cannot reach by knowing its name. A tool is then refused as such
(a caller should learn that it lacks a scope); all else is answered as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from docgen_common.called_tool import ToolFacts
from docgen_common.scopes import Grants

from docgen_orchestrator.catalog import Catalog, CatalogTool, NotOfferedError
from docgen_orchestrator.offer import Item, Offer


def granted_tools(catalog: Catalog[Any], grants: Grants) -> Mapping[str, Item]:
    """The tools of ``catalog`` that ``grants`` give; the catalog's own map when they give everything."""
    if grants.unrestricted:
        return catalog.tools
    return {name: item for name, item in catalog.tools.items() if is_granted(catalog.tool(name), grants)}


def is_granted(tool: CatalogTool[Any], grants: Grants) -> bool:
    """Whether ``grants`` give the tool; one that its server did not tell of yet counts as one that writes."""
    return grants.allows_tool(tool.backend.route.name, tool.shown_name, read_only=tool.read_only)


def granted_items(
    catalog: Catalog[Any],
    grants: Grants,
    merged: Callable[[Catalog[Any]], Mapping[str, Item]],
    of: Callable[[Offer], Mapping[str, Item]],
) -> Mapping[str, Item]:
    """Those of the ``merged`` resources, templates or prompts whose servers ``grants`` give as a whole.

    ``of`` picks the same kind from the offer of one server.
    """
    if grants.unrestricted:
        return merged(catalog)
    server_of = _servers(catalog, of)
    return {name: item for name, item in merged(catalog).items() if grants.allows_server(server_of[name])}


def tool_facts(catalog: Catalog[Any], name: str) -> ToolFacts | None:
    """What keys and rates need to know of a tool; None for one that is not there, or not known yet."""
    if name not in catalog.tools:
        return None
    tool = catalog.tool(name)
    return ToolFacts(tool.backend.route.name, tool.read_only, tool.rate)


def check_server(grants: Grants, server: str, what: str) -> None:
    """Raises NotOfferedError, as if ``what`` were not there, when ``server`` is not given."""
    if not grants.allows_server(server):
        raise NotOfferedError(f"Unknown {what}")


def _servers(catalog: Catalog[Any], of: Callable[[Offer], Mapping[str, Item]]) -> Mapping[str, str]:
    """Name → server, for names that one server alone offers."""
    return {
        name: source.route.name
        for source, offer in zip(catalog.sources, catalog.offers, strict=True)
        if offer is not None
        for name in of(offer)
    }

"""What one server offers, fetched together and kept as the last good copy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

from docgen_orchestrator.upstream import WIRE_VERSION, Call, RpcError, UnavailableError, Upstream

_MAX_PAGES = 100
_METHOD_NOT_FOUND = -32601
OWN_META = {
    PROTOCOL_VERSION_META_KEY: WIRE_VERSION,
    CLIENT_INFO_META_KEY: {"name": "docgen-orchestrator", "version": "1"},
    CLIENT_CAPABILITIES_META_KEY: {},
}
"""The envelope of requests that are the orchestrator's own."""

Item = Mapping[str, Any]
"""A tool, resource, template or prompt as its server described it."""

HeaderMap = Mapping[tuple[str, ...], str]
"""Which arguments of a tool are mirrored in ``Mcp-Param-*`` headers (path of the argument to header name)."""


@dataclass(frozen=True)
class Offer:
    """The four lists of one server, each by its identifying name, in the order of the names.

    ``own_names`` says which of the server's tools are behind a name of ``tools``: one, or several that were
    given the same name. A name that is not in it is the server's own. ``held`` are names of ``tools`` that
    are not served until somebody accepts their definitions, with the reason.
    """

    tools: Mapping[str, Item] = field(default_factory=dict)
    resources: Mapping[str, Item] = field(default_factory=dict)
    templates: Mapping[str, Item] = field(default_factory=dict)
    prompts: Mapping[str, Item] = field(default_factory=dict)
    param_headers: Mapping[str, HeaderMap] = field(default_factory=dict)
    own_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


async def fetch_offer(upstream: Upstream) -> Offer:
    """Ask a server for everything it offers. Raises UnavailableError or RpcError."""
    tools, resources, templates, prompts = await asyncio.gather(
        _items(upstream, "tools/list", "tools", "name"),
        _items(upstream, "resources/list", "resources", "uri"),
        _items(upstream, "resources/templates/list", "resourceTemplates", "uriTemplate"),
        _items(upstream, "prompts/list", "prompts", "name"),
    )
    return Offer(tools, resources, templates, prompts, _param_headers(tools))


async def _items(upstream: Upstream, method: str, key: str, name_key: str) -> dict[str, Item]:
    """All pages of one list; a server that does not know the method offers nothing of the kind."""
    found: dict[str, Item] = {}
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        params = {"_meta": OWN_META, **({} if cursor is None else {"cursor": cursor})}
        try:
            page = await upstream.request(Call(method, params, repeatable=True), _ignore)
        except RpcError as error:
            if error.code == _METHOD_NOT_FOUND:
                return {}
            raise
        items = page.get(key)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get(name_key), str):
                found[item[name_key]] = item
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            return dict(sorted(found.items()))
    raise UnavailableError(f"its {method} has more than {_MAX_PAGES} pages", sent=True)


async def _ignore(_: str, __: Mapping[str, Any]) -> None:
    """Lists have no notifications that matter."""


def _param_headers(tools: Mapping[str, Item]) -> dict[str, HeaderMap]:
    maps: dict[str, HeaderMap] = {}
    for name, tool in tools.items():
        schema = tool.get("inputSchema")
        if find_invalid_x_mcp_header(schema) is None and (headers := x_mcp_header_map(schema)):
            maps[name] = headers
    return maps

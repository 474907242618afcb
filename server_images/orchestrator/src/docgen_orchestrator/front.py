"""The MCP server that callers see, for both protocol eras, on the SDK's low-level server.

Callers of 2026-07-28 are answered by a middleware, which hands results on exactly as the servers made them.
Callers of older eras go through the SDK's handlers, whose last step shapes results for the older revision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from docgen_common.auth import current_grants
from docgen_common.scopes import Grants
from docgen_common.tasks import TASKS
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import SERVER_INFO_META_KEY

from docgen_orchestrator import task_ids
from docgen_orchestrator.backend import OFFER_SECONDS
from docgen_orchestrator.catalog import Catalog
from docgen_orchestrator.granted import granted_items, granted_tools
from docgen_orchestrator.listening import Listening
from docgen_orchestrator.offer import Item
from docgen_orchestrator.older_shapes import for_older
from docgen_orchestrator.pushing import PushingServer, add_pushing
from docgen_orchestrator.questions import with_answers
from docgen_orchestrator.relay import Context, is_modern, relay
from docgen_orchestrator.view import View

_RELAYED = task_ids.METHODS | {"tools/call", "resources/read", "prompts/get", "completion/complete"}
_LISTS: Mapping[str, tuple[str, Callable[[Catalog[Any], Grants], Mapping[str, Item]]]] = {
    "tools/list": ("tools", granted_tools),
    "resources/list": (
        "resources",
        lambda catalog, grants: granted_items(catalog, grants, lambda c: c.resources, lambda o: o.resources),
    ),
    "resources/templates/list": (
        "resourceTemplates",
        lambda catalog, grants: granted_items(catalog, grants, lambda c: c.templates, lambda o: o.templates),
    ),
    "prompts/list": (
        "prompts",
        lambda catalog, grants: granted_items(catalog, grants, lambda c: c.prompts, lambda o: o.prompts),
    ),
}
UNAVAILABLE_META_KEY = "docgenctl/unavailable"
"""In the ``_meta`` of a list: the servers that could not be asked just now."""

_INSTRUCTIONS = "Tools, resources and prompts of several servers. A name tells the server by its prefix."


def build_front(name: str, version: str, view: View, *, sessions: bool = False) -> Server[Any]:
    """An MCP server that shows ``view``; with ``sessions`` it pushes to clients of older eras."""

    async def answer(ctx: Context, _: Any) -> Any:
        result = await with_answers(ctx, lambda ctx: _answer(ctx, view))
        return for_older(ctx.method, ctx.protocol_version, result)

    # The SDK types these handlers by the models that it would validate; it takes plain dicts just as well.
    handler = cast("Callable[..., Awaitable[Any]]", answer)
    listening = Listening(view)
    server: Server[Any] = (PushingServer if sessions else Server)(
        name,
        version=version,
        title="docgen",
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=view.input_schema,
        on_list_tools=handler,
        on_call_tool=handler,
        on_list_resources=handler,
        on_list_resource_templates=handler,
        on_read_resource=handler,
        on_list_prompts=handler,
        on_get_prompt=handler,
        on_completion=handler,
        on_subscriptions_listen=listening,
    )
    if sessions:
        add_pushing(server, view, listening.bus)
    server.extensions[TASKS] = {}
    server.middleware.append(_PassThrough(server, view))
    return server


class _PassThrough:
    """SDK middleware: answers modern callers without the SDK's validation of parameters and results."""

    def __init__(self, server: Server[Any], view: View) -> None:
        self._server = server
        self._view = view

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None or not is_modern(ctx) or ctx.method not in _RELAYED | _LISTS.keys():
            return await call_next(ctx)
        result = await _answer(ctx, self._view)
        meta = result.get("_meta")
        meta = dict(meta) if isinstance(meta, dict) else {}
        # Whatever server answered, callers talk to this one.
        meta[SERVER_INFO_META_KEY] = self._server.server_info_stamp
        return {"resultType": "complete", **result, "_meta": meta}


async def _answer(ctx: Context, view: View) -> dict[str, Any]:
    """The result of a relayed or merged request."""
    if ctx.method in _RELAYED:
        return await relay(ctx, view)
    if (ctx.params or {}).get("cursor") is not None:
        raise MCPError(-32602, "Lists come in one page, so there is no such cursor")
    key, of = _LISTS[ctx.method]
    catalog, grants = await view.current(), current_grants()
    missing = [name for name in view.missing() if grants.touches_server(name)]
    return {
        key: list(of(catalog, grants).values()),
        "ttlMs": 0 if missing else int(OFFER_SECONDS * 1000),
        "cacheScope": "private",
        **({"_meta": {UNAVAILABLE_META_KEY: missing}} if missing else {}),
    }

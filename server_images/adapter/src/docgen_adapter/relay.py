"""One request of a caller, carried to the server and back.

Results pass as the server made them. What its revision lacks is added: 2026-07-28 wants to know of each
result whether it is complete, and of lists and contents how long they may be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map
from mcp_types import METHOD_NOT_FOUND
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from docgen_adapter.kept_connection import KeptConnection

Context = ServerRequestContext[Any, Any]

LISTS: Mapping[str, str] = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}
"""The lists there are, and what holds their items."""

TASKS = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})

RELAYED = frozenset({*LISTS, *TASKS, "tools/call", "resources/read", "prompts/get", "completion/complete"})
"""What is carried to the server; all else is answered here."""

_NAMES = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(TASKS, "taskId"),
}
_KEPT = frozenset({*LISTS, "resources/read"})
_OLD_RESOURCE_NOT_FOUND, _INVALID_PARAMS = -32002, -32602


class Relay:
    """Carries requests; remembers of each tool what HTTP headers need to know."""

    def __init__(self, kept: KeptConnection) -> None:
        self._kept = kept
        self._tools: dict[str, Mapping[str, Any]] = {}

    def input_schema(self, tool: str) -> Mapping[str, Any] | None:
        """A tool's input schema by the last list that passed."""
        schema = self._tools.get(tool, {}).get("inputSchema")
        return schema if isinstance(schema, Mapping) else None

    async def answer(self, ctx: Context) -> dict[str, Any]:
        """The result of a relayed request. Raises MCPError."""
        method, params = ctx.method, dict(ctx.params or {})
        connection = await self._kept.current()
        if method in TASKS:
            offered = connection.modern
        else:
            area = method.partition("/")[0]
            offered = connection.offers("completions" if area == "completion" else area)
        if not offered and method in LISTS:
            return {LISTS[method]: [], "ttlMs": 0, "cacheScope": "private"}
        if not offered:
            raise MCPError(METHOD_NOT_FOUND, f"The server does not know {method}")
        name = params.get(_NAMES.get(method, ""))
        try:
            result = await self._kept.request(
                method,
                params,
                on_progress=_progress(ctx),
                name=name if isinstance(name, str) else None,
                headers=self._mirrored(method, params),
            )
        except MCPError as error:
            if method == "resources/read" and error.code == _OLD_RESOURCE_NOT_FOUND and _is_modern(ctx):
                raise MCPError(_INVALID_PARAMS, error.message, error.error.data) from None
            raise
        if method == "tools/list":
            self._remember(result)
        return {"ttlMs": 0, "cacheScope": "private", **result} if method in _KEPT else result

    def _remember(self, result: Mapping[str, Any]) -> None:
        tools = result.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._tools[tool["name"]] = tool

    def _mirrored(self, method: str, params: Mapping[str, Any]) -> Mapping[str, str]:
        """The arguments of a call that its tool wants to see in headers."""
        name, arguments = params.get("name"), params.get("arguments")
        if method != "tools/call" or not isinstance(name, str) or not isinstance(arguments, Mapping):
            return {}
        schema = self.input_schema(name)
        if schema is None or find_invalid_x_mcp_header(schema) is not None:
            return {}
        return mcp_param_headers(x_mcp_header_map(schema), arguments)


def _is_modern(ctx: Context) -> bool:
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _progress(ctx: Context) -> Any:
    """Passes progress on to the caller of `ctx`; None when it did not ask for any."""
    meta = (ctx.params or {}).get("_meta")
    if not isinstance(meta, Mapping) or meta.get("progressToken") is None:
        return None

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        await ctx.session.report_progress(progress, total, message)

    return on_progress

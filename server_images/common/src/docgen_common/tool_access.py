"""Middleware: answers 403 to the call of a tool that the caller's key may not use, before the body is read.

For callers of MCP 2026-07-28, whose headers name the tool (for older ones see `legacy_tool_gate`). It is the
status that counts here: a server that has grants to obey must refuse such calls in its own place too.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from docgen_common.auth import current_grants
from docgen_common.called_tool import FindTool, called_tool
from docgen_common.errors import refusal

NOT_GRANTED = -32014
"""JSON-RPC error: the scopes of the key do not give this tool."""


class ToolAccess:
    """Lets calls of granted tools through, and all that is no call of a known tool."""

    def __init__(self, app: ASGIApp, find_tool: FindTool) -> None:
        self._app = app
        self._find_tool = find_tool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        denied = None if scope["type"] == "lifespan" else self._denied(scope)
        if denied is None:
            await self._app(scope, receive, send)
            return
        await tool_refusal(scope["path"], denied)(scope, receive, send)

    def _denied(self, scope: Scope) -> str | None:
        grants = current_grants()
        if grants.unrestricted:
            return None
        name = called_tool(scope["headers"])
        facts = self._find_tool(scope["path"], name) if name else None
        if facts is None or grants.allows_tool(facts.server, name or "", read_only=facts.read_only):
            return None
        return name


def tool_refusal(path: str, tool: str, rpc_id: object = None) -> ASGIApp:
    """The answer 403 to a call of ``tool`` at ``path``."""
    return refusal(path, 403, NOT_GRANTED, "not_granted", not_granted(tool), rpc_id=rpc_id)


def not_granted(tool: str) -> str:
    """What callers are told."""
    return f"The scopes of this key do not include the tool {tool[:128]}"

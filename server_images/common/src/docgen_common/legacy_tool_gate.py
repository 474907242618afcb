"""In front of the SDK's endpoint: grants and rates of tools for clients whose tool only the body names.

Since 2026-07-28 the headers say which tool is called, and `tool_access` and `rate_limit` judge it before the
body is read. For older clients it is read here, so that they get the same statuses: 403 for a tool that the
key is not given, 429 for one that is called too often.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from docgen_common.auth import current_grants, current_key
from docgen_common.called_tool import RATED_STATE, TOOL_CALL, FindTool
from docgen_common.json_body import is_legacy, message_of
from docgen_common.rate_limit import not_counted, rate_refusal
from docgen_common.rates import Limiter, NotCountedError
from docgen_common.tool_access import tool_refusal


class LegacyToolGate:
    """Lets through what the key may call, as often as it may; requests of the newest revision pass by."""

    def __init__(self, app: ASGIApp, limiter: Limiter, find_tool: FindTool) -> None:
        self._app = app
        self._limiter = limiter
        self._find_tool = find_tool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if not is_legacy(scope) or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        await (await self._refusal(scope, message_of(scope)) or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope, message: Mapping[str, Any]) -> ASGIApp | None:
        params = message.get("params")
        name = params.get("name") if message.get("method") == TOOL_CALL and isinstance(params, dict) else None
        path = scope["path"]
        facts = self._find_tool(path, name) if isinstance(name, str) else None
        if facts is None or not isinstance(name, str):
            return None
        try:
            verdict = await self._limiter.judge_tool(current_key(), name, facts.rate, reads=facts.read_only)
        except NotCountedError as error:
            return not_counted(path, error, message.get("id"))
        scope.setdefault("state", {})[RATED_STATE] = name
        if verdict is not None and not verdict.allowed:
            return rate_refusal(path, verdict, message.get("id"))
        if not current_grants().allows_tool(facts.server, name, read_only=facts.read_only):
            return tool_refusal(path, name, message.get("id"))
        return None

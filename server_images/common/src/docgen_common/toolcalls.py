"""Counts tool calls, and tells of them in the log, inside the SDK: there each era's tool name is known."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from docgen_common.metrics import Metrics

TOOL_STATE = "tool"
"""Where in a request's state the log line of the request finds what tool was called."""

_log = structlog.stdlib.get_logger("docgen.tools")


class ToolCalls:
    """SDK middleware: ``ok``, ``error`` (the tool said so) or ``failed`` (a protocol error) for each call."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass one message on; look at it when it is a tool call."""
        if ctx.method != "tools/call" or ctx.request_id is None:
            return await call_next(ctx)
        name = str((ctx.params or {}).get("name", ""))[:128]
        begun = perf_counter()
        outcome, known = "failed", False
        try:
            result = await call_next(ctx)
            outcome, known = ("error" if _is_error(result) else "ok"), True
        except MCPError as error:
            known = error.code not in (-32601, -32602)
            raise
        finally:
            self._metrics.count_tool(name, outcome, known=known and outcome != "failed")
            _tell(ctx, {"tool": name, "outcome": outcome, "tool_ms": _since(begun)})
        return result


def _tell(ctx: ServerRequestContext[Any, Any], fields: dict[str, Any]) -> None:
    """Add to the one line that the request gets when it ends; a line of its own where there is no request."""
    if isinstance(ctx.request, HTTPConnection):
        ctx.request.scope.setdefault("state", {})[TOOL_STATE] = fields
    else:
        _log.info("tool call", **fields)


def _since(begun: float) -> float:
    return round((perf_counter() - begun) * 1000, 2)


def _is_error(result: HandlerResult) -> bool:
    if isinstance(result, dict):
        return bool(result.get("isError"))
    return isinstance(result, BaseModel) and bool(getattr(result, "is_error", False))

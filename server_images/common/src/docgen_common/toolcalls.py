"""Counts and logs tool calls inside the SDK, where the tool's name is known in every protocol era."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from docgen_common.metrics import Metrics

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
            _log.info(
                "tool call", tool=name, outcome=outcome, duration_ms=round((perf_counter() - begun) * 1000, 2)
            )
        return result


def _is_error(result: HandlerResult) -> bool:
    if isinstance(result, dict):
        return bool(result.get("isError"))
    return isinstance(result, BaseModel) and bool(getattr(result, "is_error", False))

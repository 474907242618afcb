"""What a server says while it works, handed on to the caller of the very request that it works for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import LoggingMessageNotification, LoggingMessageNotificationParams
from pydantic import ValidationError

from docgen_orchestrator.upstream import OnNote

Context = ServerRequestContext[Any, Any]


def passing_on(ctx: Context, *, logs: bool) -> OnNote:
    """Hands progress on, on the stream of the request of ``ctx``; and logs, if those were asked for."""

    async def on_note(method: str, params: Mapping[str, Any]) -> None:
        if method == "notifications/progress":
            await _progress(ctx, params)
        elif method == "notifications/message" and logs:
            await _log(ctx, params)

    return on_note


async def _progress(ctx: Context, params: Mapping[str, Any]) -> None:
    progress, total, message = params.get("progress"), params.get("total"), params.get("message")
    if isinstance(progress, int | float):
        await ctx.session.report_progress(
            progress,
            total if isinstance(total, int | float) else None,
            message if isinstance(message, str) else None,
        )


async def _log(ctx: Context, params: Mapping[str, Any]) -> None:
    try:
        told = LoggingMessageNotificationParams.model_validate(params, by_name=False)
    except ValidationError:
        return
    await ctx.session.send_notification(LoggingMessageNotification(params=told), ctx.request_id)

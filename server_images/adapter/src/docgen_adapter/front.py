"""The MCP server that the orchestrator sees, on the SDK's low-level server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from docgen_common.tasks import TASKS
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import ListenHandler
from mcp_types import SubscriptionsListenRequestParams, SubscriptionsListenResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from docgen_adapter.changes import Changes
from docgen_adapter.relay import RELAYED, Context, Relay

VERSION = "1"
_STREAMS = 64


def build_front(name: str, relay: Relay, changes: Changes) -> Server[Any]:
    """An MCP server that shows what is behind ``relay`` and tells ``changes``."""

    async def answer(ctx: Context, _: Any) -> Any:
        return await relay.answer(ctx)

    # The SDK types these handlers by the models that it would validate; it takes plain dicts just as well.
    handler = cast("Callable[..., Awaitable[Any]]", answer)
    server: Server[Any] = Server(
        name,
        version=VERSION,
        get_tool_input_schema=relay.input_schema,
        on_list_tools=handler,
        on_call_tool=handler,
        on_list_resources=handler,
        on_list_resource_templates=handler,
        on_read_resource=handler,
        on_list_prompts=handler,
        on_get_prompt=handler,
        on_completion=handler,
        on_subscriptions_listen=_Listening(changes),
    )
    server.extensions[TASKS] = {}
    server.middleware.append(_PassThrough(relay))
    return server


class _PassThrough:
    """SDK middleware: answers modern callers without the SDK's validation of parameters and results."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        if ctx.request_id is None or not modern or ctx.method not in RELAYED:
            return await call_next(ctx)
        return {"resultType": "complete", **await self._relay.answer(ctx)}


class _Listening(ListenHandler):
    """The SDK's handler on what the server tells; resources are listened for at the server meanwhile."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes.bus, max_subscriptions=_STREAMS)
        self._changes = changes

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream."""
        async with self._changes.wanting(params.notifications.resource_subscriptions or []):
            return await super().__call__(ctx, params)

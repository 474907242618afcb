"""What clients of older protocol eras can ask for in a session: to be told of changes, and of logs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from docgen_common.auth import current_grants
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.subscriptions import SubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    NotificationParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from docgen_orchestrator.catalog import NotOfferedError
from docgen_orchestrator.granted import check_server
from docgen_orchestrator.listening import URIS
from docgen_orchestrator.session import Context, begin
from docgen_orchestrator.view import View

_RESOURCE_NOT_FOUND = -32002


class PushingServer(Server[Any]):
    """An MCP server that says to older clients that it tells of changed lists; newer ones hear it anyway."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """See Server."""
        every = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(
            notification_options or every, experimental_capabilities, extensions
        )


def add_pushing(server: Server[Any], view: View, bus: SubscriptionBus) -> None:
    """Let ``server`` take what belongs to sessions; ``bus`` carries what changes in ``view``."""

    async def begun(ctx: Context, _: NotificationParams) -> None:
        begin(ctx, bus)

    async def set_level(ctx: Context, params: SetLevelRequestParams) -> EmptyResult:
        begin(ctx, bus).level = params.level
        return EmptyResult()

    async def watch(ctx: Context, params: SubscribeRequestParams) -> EmptyResult:
        await _watch(ctx, str(params.uri), view, bus)
        return EmptyResult()

    async def unwatch(ctx: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        wanted = begin(ctx, bus).watched.pop(str(params.uri), None)
        if wanted is not None:
            await wanted.aclose()
        return EmptyResult()

    server.add_notification_handler("notifications/initialized", NotificationParams, begun)
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
    server.add_request_handler("resources/subscribe", SubscribeRequestParams, watch)
    server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unwatch)


async def _watch(ctx: Context, uri: str, view: View, bus: SubscriptionBus) -> None:
    """Have ``uri`` listened for where it is, until it is let go or the session ends."""
    watched = begin(ctx, bus).watched
    try:
        backend = await view.find(lambda catalog: catalog.resource_owner(uri))
        check_server(current_grants(), backend.name, f"resource: {uri}")
    except NotOfferedError as error:
        raise MCPError(_RESOURCE_NOT_FOUND, str(error), {"uri": uri}) from None
    if uri in watched:
        return
    if len(watched) >= URIS:
        raise MCPError(INVALID_PARAMS, f"One session watches at most {URIS} resources")
    wanted = watched[uri] = AsyncExitStack()
    await wanted.enter_async_context(backend.changes.wanting([uri]))

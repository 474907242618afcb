"""``subscriptions/listen`` for callers of one endpoint."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from docgen_common.auth import current_grants
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, SubscriptionsListenRequestParams, SubscriptionsListenResult

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import NotOfferedError
from docgen_orchestrator.granted_bus import GrantedBus
from docgen_orchestrator.view import View

STREAMS = 256
"""How many callers of an endpoint may listen at once."""

URIS = 100
"""How many resources one caller may listen for."""


class Listening(ListenHandler):
    """The SDK's handler on what the servers of ``view`` tell; resources are listened for where they are."""

    def __init__(self, view: View) -> None:
        self.bus = GrantedBus(lambda: view.catalog)
        super().__init__(self.bus, max_subscriptions=STREAMS)
        self._view = view
        view.buses.append(self.bus)

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream."""
        uris = params.notifications.resource_subscriptions or []
        if len(uris) > URIS:
            raise MCPError(INVALID_PARAMS, f"One stream listens for at most {URIS} resources")
        by_server = self._by_server(uris)
        if not current_grants().unrestricted:
            params = _only(params, [uri for own in by_server.values() for uri in own])
        async with AsyncExitStack() as wanted:
            for backend, own in by_server.items():
                await wanted.enter_async_context(backend.changes.wanting(own))
            return await super().__call__(ctx, params)

    def _by_server(self, uris: list[str]) -> dict[Backend, list[str]]:
        found: dict[Backend, list[str]] = {}
        grants = current_grants()
        for uri in dict.fromkeys(uris):
            try:
                owner = self._view.catalog.resource_owner(uri)
            except NotOfferedError:
                continue  # it may be honoured and never fire, as the protocol has it
            if grants.allows_server(owner.name):
                found.setdefault(owner, []).append(uri)
        return found


def _only(params: SubscriptionsListenRequestParams, uris: list[str]) -> SubscriptionsListenRequestParams:
    """``params`` for ``uris`` alone: what a key may not read it does not listen for either."""
    notifications = params.notifications.model_copy(update={"resource_subscriptions": uris})
    return params.model_copy(update={"notifications": notifications})

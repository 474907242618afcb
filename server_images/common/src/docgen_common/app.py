"""The application of every server: the SDK's MCP endpoint, health, metrics, and THE list of middleware.

``create_app`` is what a server calls. Order matters and is written down once, in ``_middleware``: outermost
first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from mcp.server.context import ServerMiddleware
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from docgen_common.access import Access
from docgen_common.auth import ApiKeyAuth, key_ring
from docgen_common.body_limit import BodyLimit
from docgen_common.called_tool import FindTool
from docgen_common.correlation import Correlation
from docgen_common.errors import error_response
from docgen_common.event_stream import PATH as EVENTS_PATH
from docgen_common.event_stream import EventStream
from docgen_common.field_values import FieldValues
from docgen_common.health import Check, Readiness, Verdict, all_ok, health_routes
from docgen_common.hosts import Hosts
from docgen_common.json_body import JsonBody
from docgen_common.legacy_cancellation import LegacyCancellation
from docgen_common.legacy_sessions import Ledger, LegacySessions, SessionLimits
from docgen_common.legacy_tool_gate import LegacyToolGate
from docgen_common.limits import Limits
from docgen_common.mcp_endpoints import McpEndpoints, McpServer, Prepared
from docgen_common.metrics import Metrics, PathTemplates
from docgen_common.rate_limit import RateLimit, ToolRateLimit
from docgen_common.rates import Limiter
from docgen_common.settings import ServerSettings
from docgen_common.time_limit import TimeLimit
from docgen_common.tool_access import ToolAccess
from docgen_common.toolcalls import ToolCalls

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
McpFront = Callable[[ASGIApp], ASGIApp]


def create_app(
    mcp: McpServer,
    settings: ServerSettings,
    *,
    checks: Mapping[str, Check] | None = None,
    routes: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
    mcp_app: McpFront | None = None,
    virtual: Mapping[str, McpServer] | None = None,
    verdict: Verdict = all_ok,
    open_paths: Container[str] = (),
    limits: Limits | None = None,
    events: EventStream | None = None,
    websocket: bool = False,
    find_tool: FindTool | None = None,
    limiter: Limiter | None = None,
    sessions: SessionLimits | None = None,
) -> Starlette:
    """Everything a server serves.

    ``checks`` make up ``/health/ready``, judged by ``verdict``. ``routes`` are served besides, behind a key
    unless their path is in ``open_paths``. ``lifespan`` is entered before the MCP endpoint and left after it.
    ``mcp_app`` may put something in front of the SDK's endpoint: it gets the endpoint and returns what serves
    ``/mcp``. ``virtual`` maps further paths to further MCP servers. ``events`` are served at ``/events``, by
    WebSocket too when ``websocket`` is set. ``find_tool`` makes grants and rates hold for single tools;
    ``limiter`` is where requests are counted. ``sessions`` gives clients of older protocol eras sessions, all
    endpoints together within these limits; without it they are served like everybody, request by request.

    ``app.state.endpoints`` (McpEndpoints) is where further MCP servers are opened and closed while it serves.
    ``app.state`` has ``limiter`` and ``keys`` (the KeyRing) for what serves requests in front of all this:
    what it has counted itself and hands on all the same carries its verdict in ``scope["state"]["verdict"]``.
    Raises SettingsError when the settings are not safe to serve with.
    """
    limits = limits or Limits(body_bytes=settings.max_body_bytes)
    limiter = limiter or Limiter()
    ring = key_ring(settings)
    metrics = Metrics()
    inside: list[ServerMiddleware[Any]] = [ToolCalls(metrics)]
    if find_tool is not None:
        inside.append(ToolRateLimit(limiter, find_tool))
    fronts: dict[str, McpFront] = {"/mcp": mcp_app} if mcp_app else {}
    gate = partial(LegacyToolGate, limiter=limiter, find_tool=find_tool) if find_tool else None
    ledger = Ledger(sessions) if sessions else None
    endpoints = McpEndpoints(
        lambda path, server: _prepared(server, settings, limits, inside, (gate, fronts.get(path)), ledger)
    )
    for path, server in {"/mcp": mcp, **(virtual or {})}.items():
        endpoints.add(path, server)
    all_routes: list[BaseRoute] = [
        *health_routes(settings.server, Readiness(checks or {}, verdict)),
        metrics.route(),
        *(Route(path, endpoints, name=f"mcp:{path}") for path in ("/mcp", "/mcp/{name}")),
        *routes,
        *(events.routes(websocket=websocket) if events else ()),
    ]
    app = Starlette(
        routes=all_routes,
        middleware=_middleware(
            Middleware(FieldValues),
            Middleware(Correlation),
            Middleware(Access, metrics=metrics, templates=PathTemplates(all_routes, endpoints)),
            Middleware(Hosts, allowed=settings.allowed_hosts),
            Middleware(BodyLimit, limits=limits),
            Middleware(ApiKeyAuth, ring=ring, open_paths=open_paths),
            Middleware(RateLimit, limiter=limiter, find_tool=find_tool),
            *([Middleware(ToolAccess, find_tool=find_tool)] if find_tool else []),
            Middleware(TimeLimit, limits=limits, endless=(EVENTS_PATH,) if events else ()),
        ),
        exception_handlers={HTTPException: _http_error, Exception: _server_error},
        lifespan=_lifespans(lifespan, endpoints),
    )
    # A redirect to the path with or without a slash would be built from the Host header and lose the body.
    app.router.redirect_slashes = False
    app.state.metrics, app.state.limiter, app.state.keys = metrics, limiter, ring
    app.state.endpoints = endpoints
    app.state.at_stop = [endpoints.end_streams]
    return app


def _middleware(*outermost_first: Middleware) -> list[Middleware]:
    """The one list, outermost first: each refusal is logged under an id; nothing is read before the key."""
    return list(outermost_first)


def _prepared(
    server: McpServer,
    settings: ServerSettings,
    limits: Limits,
    inside: Sequence[ServerMiddleware[Any]],
    fronts: tuple[McpFront | None, McpFront | None],
    ledger: Ledger | None,
) -> Prepared:
    """The SDK's endpoint of ``server``, for both protocol eras.

    Stateless, so any replica serves any caller; what that cannot serve (the GET stream, DELETE) is answered
    405. With a ledger the older eras have sessions, and only the newest is stateless. ``inside`` is
    middleware of the SDK's, outermost first; ``fronts`` stand right before the SDK, and before all of it.
    """
    server.middleware[:0] = inside
    kept = ledger.limits if ledger else SessionLimits()
    server.streamable_http_app(
        stateless_http=ledger is None,
        max_request_body_size=limits.body_bytes,
        transport_security=_transport_security(settings),
        session_idle_timeout=kept.idle_s,
        max_sessions=kept.most,
    )
    gate, front = fronts
    endpoint: ASGIApp = StreamableHTTPASGIApp(server.session_manager)
    endpoint = gate(endpoint) if gate else endpoint
    if ledger is None:
        endpoint, methods = JsonBody(LegacyCancellation(endpoint)), frozenset({"POST"})
    else:
        server.middleware.append(ledger)
        endpoint = JsonBody(LegacySessions(endpoint, ledger))
        methods = frozenset({"GET", "POST", "DELETE"})
    return Prepared(server, front(endpoint) if front else endpoint, methods)


def _transport_security(settings: ServerSettings) -> TransportSecuritySettings:
    """The SDK's own Host and Origin check, with the same names as ours (it would refuse container names)."""
    hosts = [name for host in settings.allowed_hosts for name in (host, f"{host}:*")]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _lifespans(outer: Lifespan | None, endpoints: McpEndpoints) -> Lifespan:
    @asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if outer is not None:
                await stack.enter_async_context(outer(app))
            await stack.enter_async_context(endpoints.running())
            yield

    return run


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    return error_response(error.status_code, code, error.detail, error.headers)


async def _server_error(_: Request, __: Exception) -> Response:
    return error_response(500, "internal", "Internal server error")

"""Puts the orchestrator together from its settings."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Any

from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.event_stream import EventStream
from docgen_common.legacy_sessions import SessionLimits
from docgen_common.limits import Limits
from docgen_common.settings import ServerSettings
from mcp.server.lowlevel import Server
from starlette.applications import Starlette

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.definition_metrics import ChangedDefinitions
from docgen_orchestrator.definitions import FILE_NAME as DEFINITIONS_FILE
from docgen_orchestrator.definitions import Definitions, parse_definitions
from docgen_orchestrator.endpoints import ALL, Endpoints
from docgen_orchestrator.entry import LONGEST_SECONDS
from docgen_orchestrator.event_relay import event_source
from docgen_orchestrator.fast.endpoint import Shared, host_check
from docgen_orchestrator.fast.forward import Forward
from docgen_orchestrator.fast.protocol import protocol_class
from docgen_orchestrator.fast.revoking import Revoking
from docgen_orchestrator.fast.telling import Telling
from docgen_orchestrator.fleet import Fleet
from docgen_orchestrator.followed_file import FollowedFile
from docgen_orchestrator.front import build_front
from docgen_orchestrator.inspection import Inspection
from docgen_orchestrator.readiness import ReadyPaths, ServerChecks, any_server
from docgen_orchestrator.resilience.deadlines import Deadlines
from docgen_orchestrator.route_table import routes_route
from docgen_orchestrator.routing import FILE_NAME as ROUTING_FILE
from docgen_orchestrator.routing import Route, Routing, parse_routing
from docgen_orchestrator.shared_limits.following import FollowedStore
from docgen_orchestrator.shared_limits.limiter import SharedLimiter
from docgen_orchestrator.upstream import HttpUpstream
from docgen_orchestrator.view import View

VERSION = "1"
_RELAY_SECONDS = 30.0


def build(settings: ServerSettings) -> Starlette:
    """The orchestrator's application. Raises SettingsError."""
    file = FollowedFile(settings.config_dir, ROUTING_FILE, parse_routing)
    looked_at = FollowedFile(settings.secrets_dir, DEFINITIONS_FILE, parse_definitions, without=Definitions())
    routing = file.load()
    fleet = Fleet(
        connect=lambda route: _backend(route, settings),
        reached_by=lambda route: _reached_by(route, settings),
    )
    fleet.compare(looked_at.load())
    fleet.replace(routing.servers)
    sessions = _sessions(settings)
    endpoints = Endpoints(fleet, lambda path, view: _front(path, view, settings, sessions))
    servers = endpoints.begin(routing)
    views = endpoints.views
    deadlines: Deadlines[Forward] = Deadlines()
    inspection = Inspection(fleet)
    ready = ReadyPaths(fleet)
    limiter = SharedLimiter()
    limiter.share_among(routing.replicas)
    store = FollowedStore(limiter, settings)
    store.check(routing.limits)

    async def take_over(wanted: Routing) -> None:
        limiter.share_among(wanted.replicas)
        await store.use(wanted.limits)
        fleet.replace(wanted.servers)
        await endpoints.replace(wanted, app.state.endpoints)

    async def compare(definitions: Definitions) -> None:
        fleet.compare(definitions)

    @asynccontextmanager
    async def looked_after(_: Starlette) -> AsyncIterator[None]:
        async with fleet.running():
            await store.use(routing.limits, at_once=True)
            revoking = Revoking(app.state.keys, deadlines.running)
            work = (
                *(file.follow(take_over), looked_at.follow(compare)),
                *(inspection.run(), deadlines.run(), revoking.run()),
            )
            tasks = [asyncio.create_task(each) for each in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await endpoints.end()
                await store.end()
                app.state.http_protocol.shared.telling.work_off()

    app = create_app(
        servers.pop(ALL),
        settings,
        checks=ServerChecks(
            views[ALL], lambda: file.trouble, lambda: looked_at.trouble, lambda: limiter.away
        ),
        verdict=any_server(views[ALL]),
        routes=[ready.route(), routes_route(fleet, endpoints, inspection)],
        open_paths=ready,
        virtual=servers,
        lifespan=looked_after,
        events=EventStream(event_source(lambda: fleet.backends)),
        websocket=True,
        find_tool=lambda path, tool: views[path].facts(tool) if path in views else None,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            # What is relayed has a deadline of its own, which another routing.yaml may make longer.
            request_seconds=LONGEST_SECONDS + _RELAY_SECONDS,
        ),
        sessions=sessions,
        limiter=limiter,
    )
    app.state.metrics.registry.register(ChangedDefinitions(fleet))
    store.watch(app.state.metrics)
    _take_raw_path(app, endpoints, deadlines, settings)
    return app


def _take_raw_path(
    app: Starlette, endpoints: Endpoints, deadlines: Deadlines[Forward], settings: ServerSettings
) -> None:
    """Let plain calls and lists be answered before they reach ``app``, by the same keys and rates."""
    app.state.metrics.watch_in_flight(lambda: len(deadlines.running))
    app.state.http_protocol = protocol_class(
        Shared(
            find=endpoints.raw.get,
            ring=app.state.keys,
            limiter=app.state.limiter,
            telling=Telling(settings.server, app.state.metrics),
            deadlines=deadlines,
            knows_host=host_check(settings.allowed_hosts),
        )
    )


def _front(path: str, view: View, settings: ServerSettings, sessions: SessionLimits | None) -> Server[Any]:
    """The SDK's server at ``path``, which says so in its name."""
    name = settings.server + path.removeprefix(ALL)
    return build_front(name, VERSION, view, sessions=sessions is not None)


def _reached_by(route: Route, settings: ServerSettings) -> Hashable:
    """What would have to change for the server to be another one."""
    return (route.url, route.ready_url, route.events_url, settings.secret(route.key_secret))


def _sessions(settings: ServerSettings) -> SessionLimits | None:
    """Whether clients of older protocol eras get sessions: the option ``legacy_sessions``."""
    wanted = settings.options().get("legacy_sessions", False)
    if not isinstance(wanted, bool):
        raise SettingsError("server.json: options/legacy_sessions must be true or false")
    return SessionLimits() if wanted else None


def _backend(route: Route, settings: ServerSettings) -> Backend:
    key = settings.secret(route.key_secret)
    if key is None and not settings.loopback:
        raise SettingsError(f"there is no key for the server {route.name} (secret {route.key_secret})")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError(f"the key for the server {route.name} has characters that no key has")
    return Backend(route, HttpUpstream(route.url, key, tls=_tls(route, settings)))


def _tls(route: Route, settings: ServerSettings) -> ssl.SSLContext | None:
    """How a server is asked whose address begins with https."""
    if not route.url.startswith("https:"):
        return None
    if settings.tls is None:
        raise SettingsError(f"the server {route.name} is to be asked by TLS, and DOCGEN_TLS is not mutual")
    return settings.tls.client()

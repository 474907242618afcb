"""Puts the orchestrator together from its settings."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
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
from docgen_orchestrator.event_relay import event_source
from docgen_orchestrator.fast.endpoint import Endpoint, Shared, host_check
from docgen_orchestrator.fast.log_line import RequestLog
from docgen_orchestrator.fast.protocol import protocol_class
from docgen_orchestrator.front import build_front
from docgen_orchestrator.questions import ANSWER_SECONDS
from docgen_orchestrator.readiness import any_server, server_checks, server_ready_routes
from docgen_orchestrator.resilience.deadlines import Deadlines
from docgen_orchestrator.routing import Route, load_routing
from docgen_orchestrator.upstream import HttpUpstream
from docgen_orchestrator.view import View

VERSION = "1"
_RELAY_SECONDS = 30.0


def build(settings: ServerSettings) -> Starlette:
    """The orchestrator's application. Raises SettingsError."""
    backends = [_backend(route, settings) for route in load_routing(settings.config_dir).servers]
    views = {"/mcp": View(backends), **{f"/mcp/{backend.name}": View([backend]) for backend in backends}}
    sessions = _sessions(settings)
    fronts = {path: _front(path, view, settings, sessions) for path, view in views.items()}
    deadlines = Deadlines()
    ready = server_ready_routes(backends)
    longest = max((backend.route.timeout_s for backend in backends), default=0.0)

    @asynccontextmanager
    async def watched(_: Starlette) -> AsyncIterator[None]:
        watches = [
            asyncio.create_task(work)
            for backend in backends
            for work in (backend.watch(), backend.changes.run())
        ]
        watches.append(asyncio.create_task(deadlines.run()))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            for backend in backends:
                backend.close()

    app = create_app(
        fronts["/mcp"],
        settings,
        checks=server_checks(views["/mcp"]),
        verdict=any_server(backends),
        routes=ready,
        open_paths=[route.path for route in ready],
        virtual={path: front for path, front in fronts.items() if path != "/mcp"},
        lifespan=watched,
        events=EventStream(event_source(backends)),
        websocket=True,
        find_tool=lambda path, tool: views[path].facts(tool) if path in views else None,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            request_seconds=longest + _RELAY_SECONDS + (ANSWER_SECONDS if sessions else 0),
        ),
        sessions=sessions,
    )
    endpoints = {
        path.encode(): Endpoint(path, view, fronts[path].server_info_stamp) for path, view in views.items()
    }
    app.state.metrics.watch_in_flight(lambda: len(deadlines.running))
    app.state.http_protocol = protocol_class(
        Shared(
            find=endpoints.get,
            ring=app.state.keys,
            limiter=app.state.limiter,
            metrics=app.state.metrics,
            log=RequestLog(settings.server),
            deadlines=deadlines,
            knows_host=host_check(settings.allowed_hosts),
        )
    )
    return app


def _front(path: str, view: View, settings: ServerSettings, sessions: SessionLimits | None) -> Server[Any]:
    """The SDK's server at ``path``, named after the server that it shows."""
    name = settings.server + path.removeprefix("/mcp")
    return build_front(name, VERSION, view, sessions=sessions is not None)


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

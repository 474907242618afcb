"""Puts the orchestrator together from its settings."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.event_stream import EventStream
from docgen_common.legacy_sessions import SessionLimits
from docgen_common.limits import Limits
from docgen_common.settings import ServerSettings
from starlette.applications import Starlette

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.event_relay import event_source
from docgen_orchestrator.front import build_front
from docgen_orchestrator.questions import ANSWER_SECONDS
from docgen_orchestrator.readiness import any_server, server_checks, server_ready_routes
from docgen_orchestrator.routing import Route, load_routing
from docgen_orchestrator.upstream import HttpUpstream
from docgen_orchestrator.view import View

VERSION = "1"
_RELAY_SECONDS = 30.0


def build(settings: ServerSettings) -> Starlette:
    """The orchestrator's application. Raises SettingsError."""
    backends = [_backend(route, settings) for route in load_routing(settings.config_dir).servers]
    view = View(backends)
    views = {"/mcp": view, **{f"/mcp/{backend.name}": View([backend]) for backend in backends}}
    ready = server_ready_routes(backends)
    sessions = _sessions(settings)
    longest = max((backend.route.timeout_s for backend in backends), default=0.0)

    @asynccontextmanager
    async def watched(_: Starlette) -> AsyncIterator[None]:
        watches = [
            asyncio.create_task(work)
            for backend in backends
            for work in (backend.watch(), backend.changes.run())
        ]
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            for backend in backends:
                backend.close()

    return create_app(
        build_front(settings.server, VERSION, view, sessions=sessions is not None),
        settings,
        checks=server_checks(view),
        verdict=any_server(backends),
        routes=ready,
        open_paths=[route.path for route in ready],
        virtual={
            f"/mcp/{backend.name}": build_front(
                f"{settings.server}/{backend.name}",
                VERSION,
                views[f"/mcp/{backend.name}"],
                sessions=sessions is not None,
            )
            for backend in backends
        },
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

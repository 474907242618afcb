"""Runs an application until SIGTERM.

A stop takes ten seconds at most: requests in flight get six to end, then open streams are cut, then the
lifespan ends.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import uvicorn
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from docgen_common.errors import EXIT_CONFIGURATION, SettingsError
from docgen_common.event_stream import HEARTBEAT_SECONDS
from docgen_common.logs import configure_logs
from docgen_common.settings import ServerSettings

GRACE_SECONDS = 6
"""How long requests in flight may go on after SIGTERM."""

WEBSOCKET_BYTES = 64 * 1024
"""The largest WebSocket message taken; listeners have nothing to say."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept; longer than clients of ours keep theirs, so that they close first."""


def run(build: Callable[[ServerSettings], ASGIApp]) -> int:
    """A server's main function: settings from the environment, ``build``, serve. Returns the exit status.

    Wrong settings are one JSON line on stdout and status 78.
    """
    try:
        settings = ServerSettings.from_environment()
        configure_logs(settings)
        return serve(build(settings), settings)
    except SettingsError as error:
        _report(error)
        return EXIT_CONFIGURATION


def serve(app: ASGIApp, settings: ServerSettings) -> int:
    """Serve ``app`` until a signal. Returns the exit status: 0 after a signal, 1 when it could not start.

    Raises SettingsError when there is to be TLS and the files for it are no good.
    """
    server = Server(server_config(app, settings))
    # uvicorn puts this handler back after its graceful stop and raises the signal again: a stop that was
    # asked for is a success, not a death by signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


def server_config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    """How uvicorn serves: fast parser and loop where installed, our logs, no trust in forwarding headers.

    WebSockets are spoken only where the application has a route for them.
    """
    routes = getattr(app, "routes", ())
    tls = settings.tls.server() if settings.tls else None
    return uvicorn.Config(
        app,
        host=settings.bind,
        port=settings.port,
        uds=settings.socket,
        http=getattr(getattr(app, "state", None), "http_protocol", None) or _http_parser(),
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        ws="websockets-sansio" if any(isinstance(route, WebSocketRoute) for route in routes) else "none",
        ws_max_size=WEBSOCKET_BYTES,
        ws_ping_interval=HEARTBEAT_SECONDS,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )


def _http_parser() -> Literal["httptools", "h11"]:
    return "httptools" if importlib.util.find_spec("httptools") else "h11"


_YOUNG_OBJECTS = 10_000
"""After how many new objects they are searched for cycles; requests leave none, so often is for nothing."""


class Server(uvicorn.Server):
    """uvicorn's server, with what start-up allocated kept out of later collections, and quick to stop.

    A full collection over the imported libraries takes 25-70 ms, which callers would see as a spike.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then freeze what is allocated."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; streams that would go on for ever are ended first, not waited for."""
        state = getattr(self.config.app, "state", None)
        for end in getattr(state, "at_stop", ()):
            end()
        await super().shutdown(sockets)


def _report(error: SettingsError) -> None:
    line = {"time": datetime.now(UTC).isoformat(), "level": "critical", "event": str(error)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

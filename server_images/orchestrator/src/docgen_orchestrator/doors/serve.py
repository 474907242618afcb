"""Opens the doors: listening sockets that were handed to this process, TLS on them, until SIGTERM."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
from docgen_common.errors import EXIT_CONFIGURATION, SettingsError
from docgen_common.peers import own_socket
from docgen_common.serve import GRACE_SECONDS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from docgen_orchestrator.doors.app import Doors
from docgen_orchestrator.doors.plan import Door, Plan, load_plan
from docgen_orchestrator.doors.websocket import WEBSOCKET_BYTES
from docgen_orchestrator.pool import Pool

#: How long the head of a request may take, and an idle connection is kept.
HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 60
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Serve. Returns the exit status: 0 after SIGTERM, 78 when the settings are wrong."""
    try:
        plan = load_plan(Path(environ["DOCGEN_CONFIG_DIR"]))
        context = tls_context(Path(environ["DOCGEN_SECRETS_DIR"]) / "gateway.pem")
        sockets = _sockets(environ.get("DOCGEN_LISTEN", ""))
        doors = _doors(plan, sockets)
    except (SettingsError, OSError, KeyError) as error:
        sys.stdout.write(f"the doors cannot be opened: {error}\n")
        return EXIT_CONFIGURATION
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    run = asyncio.run
    if importlib.util.find_spec("uvloop"):
        import uvloop

        run = uvloop.run
    run(_serve(plan, context, doors, list(sockets.values()), own_socket(environ)))
    return 0


def tls_context(pem: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer, with the certificate and key of that file. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(pem)
    return context


class Protocol(HttpToolsProtocol):
    """uvicorn's, but a connection whose request does not come is closed, before the first one too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client came: the head of its first request has to follow."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins: its head has to end."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._expected()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._expected()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._expected()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _expected(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


async def _serve(
    plan: Plan,
    context: ssl.SSLContext,
    doors: Mapping[int, Door],
    sockets: list[socket.socket],
    health_path: str | None,
) -> None:
    pool = Pool(plan.upstream)
    config = uvicorn.Config(
        Doors(plan, doors, pool),
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=WEBSOCKET_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=plan.max_connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
    )
    config.load()
    config.ssl = context
    status = None
    if health_path is not None:
        status = await asyncio.start_unix_server(_tell_health, health_path)
    try:
        await uvicorn.Server(config).serve(sockets)
    finally:
        pool.close()
        if status is not None:
            status.close()


async def _tell_health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whatever is asked at the private socket: this process runs its loop."""
    try:
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


def _sockets(listen: str) -> dict[int, socket.socket]:
    """Port that a door is known by → the socket handed over for it (``8080=5,3000=6``)."""
    found = {}
    for entry in filter(None, listen.split(",")):
        port, _, descriptor = entry.partition("=")
        found[int(port)] = socket.socket(fileno=int(descriptor))
    return found


def _doors(plan: Plan, sockets: Mapping[int, socket.socket]) -> dict[int, Door]:
    missing = [str(door.port) for door in plan.doors if door.port not in sockets]
    if missing:
        raise SettingsError(f"no socket was handed over for {', '.join(missing)}")
    return {int(sockets[door.port].getsockname()[1]): door for door in plan.doors}

"""Runs an ASGI app on a real socket, of 127.0.0.1 unless said otherwise, for the length of a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served(
    app: ASGIApp, *, cert: Path | None = None, key: Path | None = None, address: str = "127.0.0.1"
) -> Iterator[int]:
    """The port; the socket listens before this returns, so no request can come too early."""
    listener = socket.create_server((address, 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()
        listener.close()

"""The connections to one server: kept while idle, dropped when dead, made when needed.

The server's name is resolved anew for each new connection (by one look-up at a time), so a server that comes
back under another address is found; idle connections to addresses that the name no longer has are closed.
Outside of containers a name stands for a Unix socket, whose path is then the one address it has.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from docgen_common.peers import peer_sockets

from docgen_orchestrator.http1 import Connection

CONNECT_SECONDS = 0.75
"""How long one connection attempt may take; short, so that a dead address is not waited for."""

_IDLE_SECONDS = 30.0
_JUST_NOW_SECONDS = 0.001
_MAX_IDLE = 64


class ConnectFailedError(Exception):
    """No connection could be made, so nothing was sent; the message says why."""


LookUp = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name; raises OSError when it has none."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Pool:
    """Connections to the host and port of ``url``, inside TLS where there is a context for it."""

    def __init__(self, url: str, look_up: LookUp = look_up, *, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (80 if tls is None else 443)
        self._tls = tls
        self._socket = peer_sockets().get(self._host)
        self._idle: list[Connection] = []
        self._look_up = look_up
        self._lookup: asyncio.Future[Sequence[str]] | None = None
        self._addresses: Sequence[str] = ()
        self._closed = False

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection for one request; ``fresh`` makes a new one. Raises ConnectFailedError."""
        found = None if fresh else self.idle()
        return found or await self._connect()

    def idle(self) -> Connection | None:
        """A kept connection for one request, None when there is none that can be used."""
        while self._idle:
            connection = self._idle.pop()
            if self._usable(connection):
                return connection
            connection.abort()
        return None

    async def verify(self) -> None:
        """Make sure that the server can be reached where its name points now. Raises ConnectFailedError.

        Leaves at least one idle connection behind, so the next request does not pay for connecting.
        """
        await self._resolve()
        usable = [connection for connection in self._idle if self._usable(connection)]
        for connection in set(self._idle) - set(usable):
            connection.abort()
        self._idle = usable
        if not self._idle:
            self._keep(await self._connect())

    def clear(self) -> None:
        """Close what is idle."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def close(self) -> None:
        """Close what is idle, and whatever becomes idle from now on."""
        self._closed = True
        self.clear()

    def _usable(self, connection: Connection) -> bool:
        age = connection.loop.time() - connection.idle_since
        if age >= _IDLE_SECONDS or connection.address not in self._addresses:
            return False
        # What was in use this very moment was read a moment ago: the kernel could tell nothing newer, and
        # asking it is a tenth of what a call costs.
        return connection.open if age < _JUST_NOW_SECONDS else connection.alive

    def _keep(self, connection: Connection) -> None:
        if self._closed or len(self._idle) >= _MAX_IDLE or connection.address not in self._addresses:
            connection.abort()
            return
        self._idle.append(connection)

    async def _connect(self) -> Connection:
        addresses = await self._resolve()
        reason = "no address"
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._connect_to(address)
            except TimeoutError:
                reason = "no answer to a connection attempt"
            except OSError as error:
                reason = (error.strerror or "connection failed").lower()
        raise ConnectFailedError(reason)

    async def _connect_to(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()

        def protocol() -> Connection:
            return Connection(address, self._keep)

        if self._socket is not None:
            _, connection = await loop.create_unix_connection(protocol, address)
        else:
            name = self._host if self._tls else None
            _, connection = await loop.create_connection(
                protocol, address, self._port, ssl=self._tls, server_hostname=name
            )
        connection.idle_since = loop.time()
        return connection

    async def _resolve(self) -> Sequence[str]:
        """The addresses that the name has now. Raises ConnectFailedError."""
        if self._socket is not None:
            self._addresses = (self._socket,)
            return self._addresses
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.ensure_future(self._look_up(self._host, self._port))
            # Everybody may have stopped waiting when it fails; that is not worth a complaint of the loop.
            self._lookup.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                # Shielded, because others may wait for the same look-up.
                self._addresses = await asyncio.shield(self._lookup)
        except TimeoutError:
            raise ConnectFailedError("its name could not be looked up in time") from None
        except OSError:
            raise ConnectFailedError("its name has no address") from None
        return self._addresses

"""A forward proxy of the tests' own: records what it is asked, and lets through or refuses."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\nServer: squid\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n"
    b"Content-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\nDenied"
)


def _failed(reason: str) -> bytes:
    """What squid answers when it could not get an answer."""
    return (
        f"HTTP/1.1 503 Bad\r\nServer: squid\r\nX-Squid-Error: {reason} 0\r\n"
        "Content-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\nFailed"
    ).encode()


class Proxy:
    """CONNECT for https, absolute request targets for http, one request a connection."""

    def __init__(self) -> None:
        self.url = ""
        self.refuses = False
        self.requests: list[str] = []
        self.bytes_seen = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.bytes_seen += head
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            self.requests.append(f"{method} {target}")
            if self.refuses:
                writer.write(REFUSAL)
                await writer.drain()
            else:
                await self._pass_on(method, target, head, reader, writer)
        writer.close()

    async def _pass_on(
        self,
        method: str,
        target: str,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        try:
            up_reader, up_writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.write(_failed("ERR_CONNECT_FAIL"))
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            up_writer.write(head.replace(target.encode(), path.encode(), 1))
        sending = asyncio.create_task(self._send_on(reader, up_writer))
        if not await self._copy(up_reader, writer) and method != "CONNECT":
            writer.write(_failed("ERR_ZERO_SIZE_OBJECT"))
        writer.close()
        await sending

    async def _send_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        await self._copy(source, target)
        target.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> int:
        """How many bytes there were until the end."""
        count = 0
        with suppress(ConnectionError):
            while data := await source.read(65536):
                count += len(data)
                self.bytes_seen += data
                target.write(data)
                await target.drain()
        return count


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A running proxy."""
    proxy = Proxy()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

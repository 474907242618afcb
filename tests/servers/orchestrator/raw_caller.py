"""A caller that knows nothing of our client: one connection, one call at a time, its reply read byte by byte.

It stands on asyncio's streams alone, so that a mistake in the orchestrator's own reading of HTTP cannot hide
behind the same mistake here.
"""

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.servers import wire
from tests.servers.orchestrator.conftest import CLIENT_KEY

LIMIT = 8 * 1024 * 1024
Name = int | str


@dataclass
class Answer:
    """What came: the message that answers, and the notifications before it."""

    status: int
    message: dict[str, Any]
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of a tool's answer."""
        return str(self.message["result"]["content"][0]["text"])


class RawCaller:
    """One connection to the orchestrator, made anew whenever it was closed."""

    def __init__(self, port: int, key: str = CLIENT_KEY, path: str = "/mcp") -> None:
        self._port, self._key, self._path = port, key, path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> "RawCaller":
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.drop()

    def drop(self) -> None:
        """Close now, whatever is under way."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        message_id: int | str = 1,
        token: int | str | None = None,
    ) -> Answer:
        """Call a tool and read the whole answer."""
        await self.send(tool, arguments, message_id=message_id, token=token)
        return await self.answer()

    async def send(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        message_id: int | str = 1,
        token: int | str | None = None,
    ) -> None:
        """Send a call and wait for nothing."""
        meta = {} if token is None else {"_meta": {"progressToken": token}}
        message = wire.message("tools/call", {"name": tool, "arguments": arguments, **meta})
        message["id"] = message_id
        body = json.dumps(message).encode()
        own = {
            **wire.headers(message),
            "Host": f"127.0.0.1:{self._port}",
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        _, writer = await self._connected()
        writer.write(f"POST {self._path} HTTP/1.1\r\n{lines}\r\n".encode() + body)

    async def answer(self) -> Answer:
        """Read one answer to its end."""
        reader, _ = await self._connected()
        raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._body(reader, headers)
        if headers.get("connection") == "close":
            self.drop()
        messages = [body]
        if headers.get("content-type", "").startswith("text/event-stream"):
            messages = [line[5:] for line in body.splitlines() if line.startswith(b"data:")]
        *notes, last = [json.loads(message) for message in messages if message.strip()]
        return Answer(int(first.split()[1]), last, notes)

    async def first_event(self) -> None:
        """Wait until the answer's stream has begun."""
        reader, _ = await self._connected()
        await reader.readuntil(b"data:")

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.drop()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=LIMIT)
        return self._streams

"""How the orchestrator speaks to one server: always the 2026-07-28 wire, whatever its own caller speaks.

``Upstream`` is all that the rest of the orchestrator knows; ``HttpUpstream`` is the one that is used. Why it
does not use the SDK's client session or a general HTTP client: docs/decisions/0003-orchestrator-upstream.md.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

from mcp.shared.inbound import encode_header_value

from docgen_orchestrator.http1 import Connection, ConnectionLostError, Reply
from docgen_orchestrator.pool import ConnectFailedError, Pool
from docgen_orchestrator.resilience.retry_budget import RetryBudget
from docgen_orchestrator.sse import EventSplitter

WIRE_VERSION = "2026-07-28"
"""The protocol revision spoken to every server."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TRAILER_SECONDS = 1.0

OnNote = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Takes a notification (method, params) that came on the request's own stream."""


class UnavailableError(Exception):
    """The server gave no answer. ``sent`` says whether it may have got the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class RpcError(Exception):
    """The server answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


@dataclass(frozen=True)
class Call:
    """One request. ``name`` is what ``Mcp-Name`` mirrors; ``headers`` are sent besides the protocol's own.

    ``repeatable`` marks reads, which may be sent again when a kept connection turns out to be dead.
    ``timeout_s`` is how long this one may take, in seconds; None: as long as any call to its server.
    """

    method: str
    params: Mapping[str, Any]
    name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    timeout_s: float | None = None


class Upstream(Protocol):
    """One server, seen from the orchestrator."""

    async def request(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        """The result of ``call``. Raises RpcError or UnavailableError; cancelling this cancels it there."""

    async def get(self, url: str) -> tuple[int, bytes]:
        """Status and body of a plain GET on the same host. Raises UnavailableError."""

    def stream(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The data of each event of an SSE stream on the same host. Raises UnavailableError, at its end too.

        Closing the generator closes the stream.
        """

    async def verify(self) -> None:
        """Check that the server can be reached at its present address. Raises UnavailableError."""

    def close(self) -> None:
        """Close the connections that are idle, now and from now on."""


class HttpUpstream:
    """A server reached by HTTP/1.1 through a pool that lives as long as the orchestrator.

    ``head`` holds the request line and the header lines that all requests for messages share; ``pool`` the
    connections, ``retries`` how many requests may be sent twice.
    """

    def __init__(self, url: str, key: str | None, *, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self.pool = Pool(url, tls=tls)
        self._ids = itertools.count(1)
        self._authority = parts.netloc
        path = parts.path or "/"
        lines = [
            f"POST {path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {WIRE_VERSION}",
            *([f"Authorization: Bearer {key}"] if key else []),
        ]
        self._key_line = f"Authorization: Bearer {key}\r\n" if key else ""
        self.retries = RetryBudget()
        self.head = "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    async def request(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        """See Upstream."""
        message_id = next(self._ids)
        request = self._encode(call, message_id)
        connection, reply = await self.send(request, repeatable=call.repeatable)
        try:
            message = await _final_message(reply, message_id, on_note)
        except ConnectionLostError as error:
            connection.drop(reply)
            raise UnavailableError(str(error), sent=True) from None
        except BaseException:
            # Cancelled, or the caller's side failed: closing the stream is what cancels the call at the
            # server.
            connection.drop(reply)
            raise
        finish(connection, reply)
        return _result(message)

    async def get(self, url: str) -> tuple[int, bytes]:
        """See Upstream."""
        path = urlsplit(url).path or "/"
        request = f"GET {path} HTTP/1.1\r\nHost: {self._authority}\r\nAccept: application/json\r\n\r\n"
        connection, reply = await self.send(request.encode("latin-1"), repeatable=True)
        try:
            body = await reply.read()
        except ConnectionLostError as error:
            raise UnavailableError(str(error), sent=True) from None
        finally:
            if not reply.complete:
                connection.drop(reply)
        return reply.status, body

    async def stream(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """See Upstream."""
        own = {"Host": self._authority, "Accept": "text/event-stream", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        request = f"GET {urlsplit(url).path or '/'} HTTP/1.1\r\n{self._key_line}{lines}\r\n"
        connection, reply = await self.send(request.encode("latin-1"), repeatable=True)
        try:
            if reply.status != 200 or reply.content_type != "text/event-stream":
                raise UnavailableError(f"it answered HTTP {reply.status} instead of events", sent=True)
            events = EventSplitter()
            while part := await reply.chunk():
                for data in events.feed(part):
                    yield data
                reply.keep(events.buffered)
            raise UnavailableError("its events ended", sent=True)
        except ConnectionLostError as error:
            raise UnavailableError(str(error), sent=True) from None
        finally:
            reply.forget()
            connection.drop(reply)

    async def verify(self) -> None:
        """See Upstream."""
        try:
            await self.pool.verify()
        except ConnectFailedError as error:
            self.pool.clear()
            raise UnavailableError(str(error), sent=False) from None

    def close(self) -> None:
        """See Upstream."""
        self.pool.close()

    def _encode(self, call: Call, message_id: int) -> bytes:
        message = {"jsonrpc": "2.0", "id": message_id, "method": call.method, "params": call.params}
        body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        own = {"Mcp-Method": call.method, "Content-Length": str(len(body)), **call.headers}
        if call.name is not None:
            own["Mcp-Name"] = encode_header_value(call.name)
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items()).encode("latin-1")
        return b"%b%b\r\n%b" % (self.head, lines, body)

    async def send(self, request: bytes, *, repeatable: bool) -> tuple[Connection, Reply]:
        """Send a whole HTTP request and wait for the head of its reply.

        A request that got no byte of an answer is sent once more, on a new connection, if it is repeatable
        and not too many others were. Raises UnavailableError. Whoever gets the reply reads it to its end or
        drops it, and calls ``finish``.
        """
        self.retries.sent()
        for again in (False, True):
            try:
                connection = await self.pool.take(fresh=again)
            except ConnectFailedError as error:
                raise UnavailableError(str(error), sent=again) from None
            reply = connection.send(request)
            try:
                await reply.head()
            except ConnectionLostError as error:
                connection.abort()
                if again or error.answered or not repeatable or not self.retries.take():
                    raise UnavailableError(str(error), sent=True) from None
            except BaseException:
                connection.abort()
                raise
            else:
                return connection, reply
        raise AssertionError("the second try either answers or raises")


async def _final_message(reply: Reply, message_id: int, on_note: OnNote) -> dict[str, Any]:
    """Read the reply up to the response to ``message_id``, passing notifications on as they come."""
    if reply.content_type != "text/event-stream":
        return _parse(await reply.read(), message_id, reply.status)
    events = EventSplitter()
    try:
        while part := await reply.chunk():
            for data in events.feed(part):
                message = _object(data)
                if "method" not in message:
                    return _checked(message, message_id)
                await on_note(str(message["method"]), message.get("params") or {})
            reply.keep(events.buffered)
    finally:
        reply.forget()
    raise ConnectionLostError(True, "the stream ended without an answer")


def _parse(body: bytes, message_id: int, status: int) -> dict[str, Any]:
    message = _object(body) if body[:1] == b"{" else {}
    if "jsonrpc" in message:
        return _checked(message, message_id)
    raise ConnectionLostError(True, no_message(status))


def no_message(status: int) -> str:
    """What an answer without a message means: a refusal of the key, of the size, or no MCP server at all."""
    refusals = {401: "it refuses the orchestrator's key", 413: "the request is too large for it"}
    return refusals.get(status, f"it answered HTTP {status} instead of a message")


def _object(data: bytes) -> dict[str, Any]:
    try:
        message = json.loads(data, parse_constant=_no_constant)
        if _SURROGATE.search(data):
            # Half a pair is no text: it could be written to nobody.
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ConnectionLostError(True, "the reply is not JSON") from None
    if not isinstance(message, dict):
        raise ConnectionLostError(True, "the reply is not a message")
    return message


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _checked(message: dict[str, Any], message_id: int) -> dict[str, Any]:
    """The message if it answers our request; errors may come without an id (JSON-RPC 2.0, 5)."""
    if message.get("id") != message_id and not (message.get("id") is None and "error" in message):
        raise ConnectionLostError(True, "the reply belongs to another request")
    return message


def _result(message: dict[str, Any]) -> dict[str, Any]:
    if "error" in message:
        error = message["error"] if isinstance(message["error"], dict) else {}
        code = error.get("code")
        raise RpcError(
            code if isinstance(code, int) else -32603, str(error.get("message", "")), error.get("data")
        )
    result = message.get("result")
    if not isinstance(result, dict):
        raise RpcError(-32603, "the server sent neither a result nor an error")
    return result


def finish(connection: Connection, reply: Reply) -> None:
    """Let go of a connection whose answer was read; it becomes idle by itself once the last byte is in."""
    if not reply.complete:
        loop = asyncio.get_running_loop()
        loop.call_later(_TRAILER_SECONDS, lambda: None if reply.complete else connection.abort())

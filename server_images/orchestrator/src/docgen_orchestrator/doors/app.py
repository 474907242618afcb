"""One request from a door to the orchestrator and back, as an ASGI application.

Theory of operation. The body is read whole first, within the limit and while the client keeps sending; what
is passed on therefore has a length, and a body that is too large never reaches the orchestrator. The answer
streams: each part is handed on as it comes. Two things are watched meanwhile: the client's going away, which
closes the connection to the orchestrator (that is how a call is cancelled), and silence on either side. A
request is sent once; only a connection that could not be made, or a read that got no byte of an answer on a
kept connection, is tried again, because a tool call must not run twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

from docgen_common.correlation import accepted_correlation_id
from starlette.types import Message, Receive, Scope, Send

from docgen_orchestrator.doors.admission import (
    RATE_LIMITED,
    TOO_LARGE,
    Header,
    Refusal,
    admit,
    answered,
    forwarded,
    host_of,
    is_local,
    raw_path,
    target_of,
)
from docgen_orchestrator.doors.edge_rate import EdgeRate
from docgen_orchestrator.doors.plan import Door, Plan, Route
from docgen_orchestrator.doors.websocket import pass_websocket
from docgen_orchestrator.http1 import Connection, ConnectionLostError, Reply
from docgen_orchestrator.pool import ConnectFailedError, Pool

TOO_SLOW = Refusal(408, "too_slow", "The request did not arrive in time")
BAD_GATEWAY = Refusal(502, "bad_gateway", "The orchestrator broke off its answer")
UNAVAILABLE = Refusal(503, "unavailable", "The orchestrator is not there; it may be starting")
TIMEOUT = Refusal(504, "timeout", "The orchestrator did not answer in time")


class RefusedError(Exception):
    """The request ends here, with this answer if none was begun."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass
class _Exchange:
    """One request: what came, what was answered, for the log and for the answer's headers."""

    plan: Plan
    door: Door
    scope: Scope
    send: Send
    correlation_id: str
    began: float = field(default_factory=perf_counter)
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    cut: bool = False

    async def start(self, status: int, headers: list[Header]) -> None:
        """Begin the answer."""
        self.status = status
        host = host_of(self.scope["headers"])
        own = [
            (b"x-correlation-id", self.correlation_id.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
        ]
        if host and not is_local(self.plan, host):
            own.append((b"strict-transport-security", b"max-age=31536000"))
        await self._within({"type": "http.response.start", "status": status, "headers": headers + own})

    async def body(self, part: bytes, *, more: bool) -> None:
        """Send a part of the answer."""
        self.bytes_out += len(part)
        await self._within({"type": "http.response.body", "body": part, "more_body": more})

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with an error of the one shape that all services use."""
        error = {"error": {"code": refusal.code, "message": refusal.message}}
        body = json.dumps(error).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if refusal.status in (408, 413):
            headers.append((b"connection", b"close"))
        if refusal.status == 503:
            headers.append((b"retry-after", b"1"))
        if refusal.status == 429 and self.plan.rate:
            headers.append((b"retry-after", str(self.plan.rate[2]).encode()))
        if refusal.allow is not None:
            headers.append((b"allow", refusal.allow.encode()))
        await self.start(refusal.status, headers)
        await self.body(body, more=False)

    async def _within(self, message: Message) -> None:
        """A client that does not read its answer is not waited for longer than one that does not send."""
        async with asyncio.timeout(self.plan.silence_seconds):
            await self.send(message)

    def log(self) -> None:
        """One JSON object a line: no query, no headers."""
        client = self.scope.get("client")
        line = {
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "event": "request",
            "service": "gateway",
            "correlation_id": self.correlation_id,
            "method": self.scope["method"],
            "path": raw_path(self.scope)[:512].decode("latin-1"),
            "status": self.status,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "ms": {"total": round((perf_counter() - self.began) * 1000)},
            "frontend": self.door.name,
            "complete": not self.cut,
            "client": client[0] if client else "",
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class Doors:
    """The application; ``doors`` maps the host's ports to what is served there."""

    def __init__(self, plan: Plan, doors: Mapping[int, Door], pool: Pool) -> None:
        self._plan = plan
        self._doors = doors
        self._pool = pool
        self._rate = EdgeRate(*plan.rate[:2]) if plan.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        door = self._doors.get((scope.get("server") or ("", 0))[1])
        if door is None:
            raise RuntimeError("only what comes to a door is served")
        if scope["type"] == "websocket":
            await pass_websocket(self._plan, door, scope, receive, send)
            return
        given = accepted_correlation_id([v for n, v in scope["headers"] if n == b"x-correlation-id"])
        exchange = _Exchange(self._plan, door, scope, send, given or str(uuid4()))
        try:
            await self._serve(exchange, receive)
        except RefusedError as error:
            if exchange.status:
                exchange.cut = True  # leaving without the last part closes the connection: it is not whole
            else:
                await exchange.refuse(error.refusal)
        except TimeoutError:
            exchange.cut = True
        finally:
            exchange.log()

    async def _serve(self, exchange: _Exchange, receive: Receive) -> None:
        scope = exchange.scope
        if self._too_many(scope):
            await exchange.refuse(RATE_LIMITED)
            return
        admitted = admit(self._plan, exchange.door, scope["method"], raw_path(scope), list(scope["headers"]))
        if isinstance(admitted, Refusal):
            await exchange.refuse(admitted)
            return
        body = await _whole_body(exchange, receive, self._plan)
        if body is None:
            exchange.cut = True
            return
        request = _request(exchange, admitted, body)
        relay = asyncio.ensure_future(self._relay(exchange, request))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({relay, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not relay.done():
                exchange.cut = True
                return
            relay.result()
        finally:
            for task in (relay, gone):
                task.cancel()
            await asyncio.gather(relay, gone, return_exceptions=True)

    def _too_many(self, scope: Scope) -> bool:
        """Whether this request of its address is one too many; health is told to everybody."""
        if self._rate is None:
            return False
        client = scope.get("client")
        within = self._rate.takes(client[0] if client else "")
        return not within and not raw_path(scope).startswith(b"/health")

    async def _relay(self, exchange: _Exchange, request: bytes) -> None:
        connection, reply = await self._answered(exchange, request)
        try:
            await exchange.start(reply.status, answered(reply.headers))
            silent = exchange.scope["method"] == "HEAD"
            while part := await self._part(reply):
                if not silent:
                    await exchange.body(part, more=True)
            await exchange.body(b"", more=False)
        except ConnectionLostError:
            raise RefusedError(BAD_GATEWAY) from None
        finally:
            if not reply.complete:
                connection.drop(reply)

    async def _part(self, reply: Reply) -> bytes:
        try:
            async with asyncio.timeout(self._plan.request_seconds):
                return await reply.chunk()
        except TimeoutError:
            raise RefusedError(TIMEOUT) from None

    async def _answered(self, exchange: _Exchange, request: bytes) -> tuple[Connection, Reply]:
        """Send the request and wait for the head of its answer. Raises RefusedError."""
        for again in (False, True):
            try:
                connection = await self._pool.take(fresh=again)
            except ConnectFailedError:
                raise RefusedError(UNAVAILABLE) from None
            reply = connection.send(request)
            try:
                async with asyncio.timeout(self._plan.request_seconds):
                    await reply.head()
            except TimeoutError:
                connection.abort()
                raise RefusedError(TIMEOUT) from None
            except ConnectionLostError as error:
                connection.abort()
                if again or error.answered or exchange.scope["method"] not in ("GET", "HEAD"):
                    raise RefusedError(BAD_GATEWAY) from None
            except BaseException:
                connection.abort()
                raise
            else:
                return connection, reply
        raise AssertionError("the second try either answers or raises")


async def _whole_body(exchange: _Exchange, receive: Receive, plan: Plan) -> bytes | None:
    """The request's body; None when the client left. Raises RefusedError."""
    body = bytearray()
    more = True
    while more:
        try:
            async with asyncio.timeout(plan.silence_seconds):
                message: Any = await receive()
        except TimeoutError:
            raise RefusedError(TOO_SLOW) from None
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        exchange.bytes_in = len(body)
        if len(body) > plan.max_body_bytes:
            raise RefusedError(TOO_LARGE)
        more = message.get("more_body", False)
    return bytes(body)


async def _gone(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _request(exchange: _Exchange, route: Route, body: bytes) -> bytes:
    scope = exchange.scope
    # An answer to HEAD names a length and has no body, which a kept connection could not tell from a short
    # one: the orchestrator is asked for the whole, and the body stays here.
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    client = scope.get("client")
    host = next(value for name, value in scope["headers"] if name == b"host")
    own: list[Header] = [
        (b"Host", b"orchestrator"),
        (b"Content-Length", str(len(body)).encode()),
        (b"X-Correlation-ID", exchange.correlation_id.encode("ascii")),
        (b"X-Forwarded-For", (client[0] if client else "").encode("ascii")),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", host),
    ]
    lines = [f"{method} {target_of(route, scope)} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in [*own, *forwarded(exchange.plan, scope["headers"])]]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body

"""A WebSocket from a door to the orchestrator: messages pass both ways until one side ends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from docgen_common.errors import error_response
from docgen_common.peers import peer_sockets
from docgen_common.serve import WEBSOCKET_BYTES
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from docgen_orchestrator.doors.admission import Refusal, admit, forwarded, raw_path, target_of
from docgen_orchestrator.doors.plan import Door, Plan

__all__ = ["WEBSOCKET_BYTES", "pass_websocket"]

_CONNECT_SECONDS = 5.0
_GOING_AWAY = 1001
#: close codes that only say that none was sent (RFC 6455, 7.4.1)
_NOT_SENT = (1005, 1006, 1015)


async def pass_websocket(plan: Plan, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one WebSocket, or refuse it as the gateway of containers would."""
    begun = perf_counter()
    await receive()  # the client's wish to connect
    admitted = admit(plan, door, "GET", raw_path(scope), list(scope["headers"]))
    status = 0
    try:
        if isinstance(admitted, Refusal):
            status = admitted.status
            await error_response(status, admitted.code, admitted.message)(scope, receive, send)
            return
        target = plan.upstream.replace("http://", "ws://", 1) + target_of(admitted, scope)
        try:
            upstream = await _connect(target, _headers(plan, scope))
        except InvalidStatus as error:
            status = error.response.status_code
            await _refuse_as(status, bytes(error.response.body or b""), send)
            return
        except (OSError, TimeoutError, InvalidHandshake):
            status = 503
            text = "The orchestrator is not there; it may be starting"
            await error_response(status, "unavailable", text)(scope, receive, send)
            return
        status = 101
        async with upstream:
            await send({"type": "websocket.accept"})
            await _both_ways(upstream, receive, send, plan.silence_seconds)
    finally:
        _log(door, scope, status, begun)


def _headers(plan: Plan, scope: Scope) -> list[tuple[str, str]]:
    """The client's headers without those of the handshake, which is made anew."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in forwarded(plan, scope["headers"])
        if not name.lower().startswith(b"sec-websocket-")
    ]


async def _connect(target: str, headers: Sequence[tuple[str, str]]) -> ClientConnection:
    host = target.removeprefix("ws://").partition("/")[0].partition(":")[0]
    path = peer_sockets().get(host)
    options: dict[str, Any] = {
        "additional_headers": headers,
        "compression": None,
        "open_timeout": _CONNECT_SECONDS,
        "max_size": None,
        "proxy": None,
        "user_agent_header": None,
    }
    return await (unix_connect(path, target, **options) if path else connect(target, **options))


async def _both_ways(upstream: ClientConnection, receive: Receive, send: Send, silence_s: float) -> None:
    down = asyncio.ensure_future(_down(upstream, send, silence_s))
    up = asyncio.ensure_future(_up(upstream, receive))
    try:
        await asyncio.wait({down, up}, return_when=asyncio.FIRST_COMPLETED)
        if not up.done():
            code = upstream.close_code or _GOING_AWAY
            reason = upstream.close_reason or ""
            async with asyncio.timeout(1):
                await send(
                    {
                        "type": "websocket.close",
                        "code": _GOING_AWAY if code in _NOT_SENT else code,
                        "reason": reason,
                    }
                )
    except (TimeoutError, OSError, RuntimeError):
        return
    finally:
        for task in (down, up):
            task.cancel()
        await asyncio.gather(down, up, return_exceptions=True)


async def _down(upstream: ClientConnection, send: Send, silence_s: float) -> None:
    """Messages to the client; one that does not take them is not waited for."""
    try:
        async for message in upstream:
            kind = "text" if isinstance(message, str) else "bytes"
            async with asyncio.timeout(silence_s):
                await send({"type": "websocket.send", kind: message})
    except ConnectionClosed:
        return


async def _up(upstream: ClientConnection, receive: Receive) -> None:
    """Messages to the orchestrator, until the client leaves."""
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        await upstream.send(text if text is not None else message["bytes"])


async def _refuse_as(status: int, body: bytes, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def _log(door: Door, scope: Scope, status: int, begun: float) -> None:
    client = scope.get("client")
    line = {
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "event": "websocket",
        "service": "gateway",
        "path": raw_path(scope)[:512].decode("latin-1"),
        "status": status,
        "ms": {"total": round((perf_counter() - begun) * 1000)},
        "frontend": door.name,
        "client": client[0] if client else "",
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

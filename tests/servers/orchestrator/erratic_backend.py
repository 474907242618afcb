"""A server by hand that answers in every way there is, and misbehaves when told to.

    python erratic_backend.py PREFIX

``PREFIX_say`` answers with its ``marker`` and a filling, as its arguments want it: so large, so late, of
known length, in chunks or as events (with progress), and closing the connection or not. ``PREFIX_wait``
answers after ten minutes. ``PUT /misbehave`` with one of ``MISBEHAVIOURS`` makes every answer to a POST such
a one, ``PUT /misbehave`` with nothing makes it well again. ``GET /seen`` tells who was there, and who went
away.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import httptools
import uvloop

PREFIX = sys.argv[1] if len(sys.argv) > 1 else "erratic"
FILLING = "0123456789abcdef" * (300 * 1024 // 16)
PIECE = 48 * 1024
HUGE_BYTES = 100 * 1024 * 1024
MISBEHAVIOURS = (
    "silent",
    "closing",
    "not-http",
    "endless-head",
    "html",
    "error-page",
    "truncated-json",
    "cut-off",
    "wrong-id",
    "not-a-message",
    "endless-events",
    "endless-line",
    "huge",
    "trickle",
    "slow",
)
SAY = {"type": "object", "properties": {"marker": {"type": "string"}}, "required": ["marker"]}


def packed(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def head(kind: str, *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def whole(body: bytes, *more: str, kind: str = "application/json", status: str = "200 OK") -> bytes:
    return head(kind, f"Content-Length: {len(body)}", *more, status=status) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def event(message: Any) -> bytes:
    return chunk(b"data: %b\n\n" % packed(message))


class Seen:
    """What happened here."""

    def __init__(self) -> None:
        self.calls = 0
        self.gone: list[tuple[str, float]] = []  # marker of a call whose caller went, and when
        self.misbehaviour = ""
        self.waiting = 0


class Connection(asyncio.Protocol):
    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.body = bytearray()
        self.work: asyncio.Task[None] | None = None
        self.marker = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.work is not None and not self.work.done():
            self.seen.gone.append((self.marker, time.time()))
            self.work.cancel()

    def on_message_complete(self) -> None:
        body, self.body = bytes(self.body), bytearray()
        method = self.parser.get_method()
        if method == b"POST":
            self.work = asyncio.ensure_future(self.serve(json.loads(body)))
        elif method == b"PUT":
            self.seen.misbehaviour = body.decode()
            self.transport.write(whole(b"{}"))
        elif self.url == b"/seen":
            told = {"calls": self.seen.calls, "gone": self.seen.gone, "waiting": self.seen.waiting}
            self.transport.write(whole(packed({**told, "pid": os.getpid()})))
        else:
            self.transport.write(whole(b'{"status": "ready"}'))

    async def serve(self, request: dict[str, Any]) -> None:
        params = request.get("params", {})
        self.marker = params.get("arguments", {}).get("marker", request["method"])
        if self.seen.misbehaviour:
            await misbehave(self.seen.misbehaviour, request, self.transport)
        elif request["method"] != "tools/call":
            self.transport.write(whole(packed({"jsonrpc": "2.0", "id": request["id"], **offered(request)})))
        elif params["name"].endswith("_wait"):
            await self.wait(request)
        else:
            self.seen.calls += 1
            await self.say(request, **params["arguments"])

    async def wait(self, request: dict[str, Any]) -> None:
        self.seen.waiting += 1
        self.transport.write(head("text/event-stream", "Transfer-Encoding: chunked"))
        self.transport.write(event(progress(request, self.marker)))
        await asyncio.sleep(600)

    async def say(
        self,
        request: dict[str, Any],
        marker: str,
        size: int = 0,
        delay_s: float = 0,
        how: str = "length",
        close: bool = False,
    ) -> None:
        if delay_s:
            await asyncio.sleep(delay_s)
        content = [{"type": "text", "text": f"{marker} {FILLING[:size]}"}]
        result = {"content": content, "isError": False, "resultType": "complete"}
        answer = {"jsonrpc": "2.0", "id": request["id"], "result": result}
        more = ["Connection: close"] if close else []
        if how == "length":
            self.transport.write(whole(packed(answer), *more))
        elif how == "chunked":
            raw = packed(answer)
            self.transport.write(head("application/json", "Transfer-Encoding: chunked", *more))
            for begin in range(0, len(raw), PIECE):
                self.transport.write(chunk(raw[begin : begin + PIECE]))
            self.transport.write(b"0\r\n\r\n")
        else:
            self.transport.write(head("text/event-stream", "Transfer-Encoding: chunked", *more))
            for _ in range(2):
                self.transport.write(event(progress(request, marker)))
                await asyncio.sleep(0)
            self.transport.write(event(answer) + b"0\r\n\r\n")
        if close:
            self.transport.close()


def progress(request: dict[str, Any], marker: str) -> dict[str, Any]:
    token = request["params"].get("_meta", {}).get("progressToken")
    params = {"progressToken": token, "progress": 1, "message": marker}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def offered(request: dict[str, Any]) -> dict[str, Any]:
    fresh = {"ttlMs": 0, "cacheScope": "private", "resultType": "complete"}
    tools = [
        {"name": f"{PREFIX}_{verb}", "description": verb, "inputSchema": SAY} for verb in ("say", "wait")
    ]
    found: dict[str, Any] = {
        "tools/list": {"tools": tools},
        "resources/list": {"resources": []},
        "resources/templates/list": {"resourceTemplates": []},
        "prompts/list": {"prompts": []},
        "server/discover": {
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": PREFIX, "version": "1"},
        },
    }
    result = found.get(request["method"])
    if result is None:
        return {"error": {"code": -32601, "message": "Method not found"}}
    return {"result": {**result, **fresh}}


async def misbehave(how: str, request: dict[str, Any], transport: Any) -> None:
    """Answer as no server should."""
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"content": [], "resultType": "complete"}}
    events = head("text/event-stream", "Transfer-Encoding: chunked")
    at_once: dict[str, Callable[[], bytes]] = {
        "not-http": lambda: b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(range(256)),
        "html": lambda: whole(b"<!doctype html><p>Welcome to nginx!</p>", kind="text/html"),
        "error-page": lambda: whole(b"<h1>502</h1>", kind="text/html", status="502 Bad Gateway"),
        "truncated-json": lambda: whole(packed(answer)[:-9]),
        "cut-off": lambda: whole(packed(answer))[:-9],
        "wrong-id": lambda: whole(packed({**answer, "id": 987654321})),
        "not-a-message": lambda: whole(b"[1, 2, 3]"),
        "closing": lambda: b"",
    }
    if how in at_once:
        transport.write(at_once[how]())
        if how in ("cut-off", "closing", "not-http"):
            transport.close()
    elif how == "silent":
        await asyncio.sleep(600)
    elif how == "slow":
        await asyncio.sleep(5)
        transport.write(whole(packed(answer)))
    elif how == "endless-head":
        await forever(transport, b"HTTP/1.1 200 OK\r\n", b"X-Filling: " + b"x" * 900 + b"\r\n", 0.001)
    elif how == "endless-events":
        await forever(transport, events, event(progress(request, "and on")), 0.002)
    elif how == "endless-line":
        await forever(transport, events, chunk(b"x" * 65_536), 0.002)
    elif how == "trickle":
        await forever(transport, head("application/json", "Content-Length: 99999") + b"{", b" ", 0.1)
    else:
        await huge(transport, packed(answer))


async def forever(transport: Any, first: bytes, again: bytes, pause_s: float) -> None:
    transport.write(first)
    while True:
        if transport.get_write_buffer_size() < 1024 * 1024:
            transport.write(again)
        await asyncio.sleep(pause_s)


async def huge(transport: Any, answer: bytes) -> None:
    """A message of 100 MB that is true to its last byte."""
    body = answer.replace(b'"content":[]', b'"content":[{"type":"text","text":"%b"}]')
    before, _, after = body.partition(b"%b")
    transport.write(
        head("application/json", f"Content-Length: {len(before) + HUGE_BYTES + len(after)}") + before
    )
    left = HUGE_BYTES
    while left:
        if transport.get_write_buffer_size() < 1024 * 1024:
            part = min(left, 65_536)
            transport.write(b"x" * part)
            left -= part
        await asyncio.sleep(0)
    transport.write(after)


async def main() -> None:
    seen = Seen()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(seen), os.environ["DOCGEN_BIND"], int(os.environ["DOCGEN_PORT"]), backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

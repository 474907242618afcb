"""The server behind every front of `forwarding.py`: MCP's wire by hand, as little work as a server can do.

    python _raw_backend.py PORT TOOLS [CERTIFICATE KEY AUTHORITY]

It offers TOOLS tools and answers at once: `bench_0000` says its text again, `bench_stream` sends one progress
event, waits `STREAM_S` and then answers. It speaks 2026-07-28 and the older revisions, because some fronts
do. Replies to calls carry the request's id, so that whoever measures can see that the answer is its own.
"""

import asyncio
import json
import ssl
import sys
from typing import Any

import httptools
import uvloop

STREAM_S = 0.02
_OLD = ("2025-11-25", "2025-06-18", "2025-03-26")
_SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What to say again."},
        "times": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How often."},
    },
    "required": ["text"],
}
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_EVENTS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "description": "Says its text again, for measuring.", "inputSchema": _SCHEMA}


class Offers:
    """What the server says of itself: results made once, as bytes."""

    def __init__(self, tools: int) -> None:
        names = [f"bench_{number:04}" for number in range(tools)] + ["bench_stream"]
        fresh = {"ttlMs": 60_000, "cacheScope": "private", "resultType": "complete"}
        capabilities = {"tools": {}, "resources": {}, "prompts": {}}
        info = {"name": "raw", "version": "1"}
        discovered = {"supportedVersions": ["2026-07-28", *_OLD], "capabilities": capabilities}
        self.results = {
            "tools/list": encoded({"tools": [tool(name) for name in names], **fresh}),
            "resources/list": encoded({"resources": [], **fresh}),
            "resources/templates/list": encoded({"resourceTemplates": [], **fresh}),
            "prompts/list": encoded({"prompts": [], **fresh}),
            "server/discover": encoded({**discovered, "serverInfo": info, **fresh}),
            "ping": b"{}",
        }
        self.initialized = {"capabilities": capabilities, "serverInfo": info}

    def of(self, method: str, params: dict[str, Any]) -> bytes | None:
        """The result of a request other than a call."""
        if method == "initialize":
            version = params.get("protocolVersion")
            known = version if version in _OLD else _OLD[0]
            return encoded({**self.initialized, "protocolVersion": known})
        return self.results.get(method)


class Backend(asyncio.Protocol):
    """One connection."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, bytearray()
        if self._parser.get_method() != b"POST":
            self._transport.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        request = json.loads(body)
        if "id" not in request:
            self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        elif request["method"] == "tools/call":
            self._call(request["id"], request["params"])
        else:
            self._list(request["id"], request["method"], request.get("params") or {})

    def _list(self, asked: Any, method: str, params: dict[str, Any]) -> None:
        result = self._offers.of(method, params)
        if result is None:
            error = {"code": -32601, "message": "Method not found"}
            answer = encoded({"jsonrpc": "2.0", "id": asked, "error": error})
        else:
            answer = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encoded(asked), result)
        self._transport.write(_JSON % (len(answer), answer))

    def _call(self, asked: Any, params: dict[str, Any]) -> None:
        text = params["arguments"]["text"]
        result = {"content": [{"type": "text", "text": text}], "isError": False, "resultType": "complete"}
        answer = encoded({"jsonrpc": "2.0", "id": asked, "result": result})
        if params["name"] != "bench_stream":
            self._transport.write(_JSON % (len(answer), answer))
            return
        token = (params.get("_meta") or {}).get("progressToken", 0)
        progress = {"progressToken": token, "progress": 1, "message": "begun"}
        note = encoded({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        self._transport.write(_EVENTS + event(note))
        self._timer = asyncio.get_running_loop().call_later(
            STREAM_S, self._transport.write, event(answer) + b"0\r\n\r\n"
        )


def event(data: bytes) -> bytes:
    """One server-sent event as a chunk."""
    line = b"event: message\r\ndata: %b\r\n\r\n" % data
    return b"%x\r\n%b\r\n" % (len(line), line)


def context(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """TLS that asks for a certificate of the authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.load_verify_locations(authority)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


async def main() -> None:
    port, tools, *files = sys.argv[1:]
    offers = Offers(int(tools))
    tls = context(*files) if files else None
    server = await asyncio.get_running_loop().create_server(
        lambda: Backend(offers), "127.0.0.1", int(port), ssl=tls, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

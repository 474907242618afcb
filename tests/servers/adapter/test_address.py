"""A server at an address that leads elsewhere (attack case 81): nothing but that address is ever asked."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.servers.adapter.conftest import Adapter, until

Make = Callable[..., Adapter]
pytestmark = pytest.mark.anyio


@dataclass
class Told:
    """A server that answers everything with a redirect, or with a note; and what it was asked."""

    port: int = 0
    status: int = 200
    location: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def serving(told: Told) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            told.asked.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode()
            self.send_response(told.status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, *arguments: object) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def two() -> Iterator[tuple[Told, Told]]:
    """The server that is meant, and another one, which answers whoever asks it."""
    meant, elsewhere = Told(), Told()
    servers = [serving(told) for told in (meant, elsewhere)]
    yield meant, elsewhere
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "place"),
    [
        (301, "{elsewhere}/mcp"),
        (302, "//127.0.0.1:{port}/mcp"),
        (303, "{elsewhere}/mcp"),
        (307, "{elsewhere}/mcp"),
        (308, "{meant}/moved"),
    ],
)
async def test_a_redirect_is_not_followed_wherever_it_leads_and_the_reason_is_told(
    make_adapter: Make, two: tuple[Told, Told], status: int, place: str
) -> None:
    meant, elsewhere = two
    meant.status = status
    meant.location = place.format(elsewhere=elsewhere.url, meant=meant.url, port=elsewhere.port)
    adapter = make_adapter({"url": f"{meant.url}/mcp", "outside": False})
    until(lambda: meant.asked, what="the server was asked")
    until(lambda: "redirect" in json.dumps(adapter.ready()[1]), what="the reason is told")
    assert adapter.ready()[0] == 503
    async with adapter.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "x", "arguments": {}})
    assert answer["error"]["code"] == -32010
    assert "it redirects, which is not followed" in answer["error"]["message"]
    assert elsewhere.asked == []
    assert {path for _, path in meant.asked} == {"/mcp"}

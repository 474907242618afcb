"""How long sessions live, and how many there may be."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from .conftest import key_entry

LEGACY = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}
CLIENT = {"name": "t", "version": "1"}
OPEN = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}


class Caller:
    def __init__(self, server: Any, key: str) -> None:
        self.url, self.key = f"http://127.0.0.1:{server.port}/mcp", {"Authorization": f"Bearer {key}"}

    def send(self, http_method: str, session: str | None = None, **message: Any) -> httpx2.Response:
        headers = {**LEGACY, **self.key, **({"Mcp-Session-Id": session} if session else {})}
        body = {"jsonrpc": "2.0", **message} if message else None
        return httpx2.request(http_method, self.url, json=body, headers=headers, trust_env=False)

    def open(self) -> httpx2.Response:
        return self.send("POST", id=0, method="initialize", params=OPEN)

    def ping(self, session: str) -> int:
        return self.send("POST", session, id=1, method="ping").status_code


@pytest.fixture
def start(make_server: Any) -> Callable[..., tuple[Caller, Caller]]:
    def start(stream_seconds: float = 60, **limits: float) -> tuple[Caller, Caller]:
        server = make_server()
        server.switch_keys("1", key_entry("dgk_one", "one"), key_entry("dgk_two", "two"))
        options = {"sessions": limits, "stream_seconds": stream_seconds}
        (server.folder / "server.json").write_text(json.dumps({"options": options}))
        server.start()
        return Caller(server, "dgk_one"), Caller(server, "dgk_two")

    return start


def test_an_idle_session_ends_and_one_that_is_used_does_not(start: Any) -> None:
    one, _ = start(idle_s=1.0)
    idle, used = (one.open().headers["mcp-session-id"] for _ in range(2))
    headers = {**LEGACY, **one.key, "Mcp-Session-Id": one.open().headers["mcp-session-id"]}
    with httpx2.stream("GET", one.url, headers=headers, trust_env=False) as listening:
        assert listening.status_code == 200
        deadline = time.monotonic() + 1.8
        while time.monotonic() < deadline:
            assert one.ping(used) == 200
            time.sleep(0.1)
        assert one.ping(headers["Mcp-Session-Id"]) == 200
    assert one.ping(idle) == 404


def test_one_caller_cannot_take_the_room_of_all(start: Any) -> None:
    one, two = start(most_per_caller=2, most=3)
    first, second = one.open(), one.open()
    refused = one.open()
    assert (first.status_code, second.status_code, refused.status_code) == (200, 200, 503)
    assert refused.headers["retry-after"] == "60"
    assert "mcp-session-id" not in refused.headers
    assert [two.open().status_code for _ in range(2)] == [200, 503]
    assert one.send("DELETE", first.headers["mcp-session-id"]).status_code == 200
    deadline = time.monotonic() + 5
    while one.open().status_code != 200:
        assert time.monotonic() < deadline
    assert one.ping(second.headers["mcp-session-id"]) == 200


def test_what_opens_no_session_takes_no_room(start: Any) -> None:
    one, _ = start(most_per_caller=1, most=1)
    for body in ({"id": 1, "method": "ping"}, {"id": 1, "method": "initialize", "params": {}}, {"x": 1}):
        for _ in range(3):
            assert one.send("POST", **body).status_code in (200, 400)
    assert one.open().status_code == 200


def test_a_stream_ends_after_its_time_so_that_a_revoked_key_does_not_listen_for_ever(start: Any) -> None:
    one, _ = start(stream_seconds=0.5)
    headers = {**LEGACY, **one.key, "Mcp-Session-Id": one.open().headers["mcp-session-id"]}
    begun = time.monotonic()
    with (
        pytest.raises(httpx2.TransportError),
        httpx2.stream("GET", one.url, headers=headers, trust_env=False) as listening,
    ):
        listening.read()
    assert 0.4 < time.monotonic() - begun < 10
    assert one.ping(headers["Mcp-Session-Id"]) == 200

"""What the orchestrator refuses at its own door."""

import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def call(
    http: httpx2.Client, name: str, arguments: dict[str, Any], path: str = "/mcp", **headers: str
) -> Any:
    body = {
        "jsonrpc": "2.0",
        "id": "q",
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments, "_meta": META},
    }
    modern = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name, **ACCEPT}
    return http.post(path, json=body, headers={**modern, **headers})


def test_a_plain_request_of_the_2026_wire_is_answered_as_json(stack: Any) -> None:
    with stack.http() as http:
        answer = call(http, "red_echo", {"text": "hi"}, **{"X-Correlation-ID": "given.1"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-correlation-id"] == "given.1"
    message = answer.json()
    assert message["id"] == "q"
    assert message["result"]["resultType"] == "complete"
    assert message["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "orchestrator"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/red", "/metrics", "/nowhere"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic ZDpk"},
        {"X-API-Key": "wrong"},
    ],
)
def test_without_the_right_key_every_door_gives_the_same_answer(
    stack: Any, path: str, headers: dict[str, str]
) -> None:
    base = f"http://127.0.0.1:{stack.orchestrator.port}"
    with httpx2.Client(base_url=base, headers=headers, trust_env=False) as http:
        answer = call(http, "red_echo", {"text": "hi"}, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"error": {"code": "unauthorized", "message": "A valid API key is needed"}}


def test_the_servers_own_key_does_not_open_the_orchestrator(stack: Any) -> None:
    with stack.http(Authorization=f"Bearer {stack.servers['red'].key}") as http:
        assert call(http, "red_echo", {"text": "hi"}).status_code == 401


def test_only_post_is_served(stack: Any) -> None:
    with stack.http() as http:
        for path in ("/mcp", "/mcp/red"):
            for method in ("GET", "DELETE", "PUT"):
                answer = http.request(method, path, headers=ACCEPT)
                assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost@evil.example"}, 400),
        ({"Host": "a/?x="}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:5173"}, 200),
        ({"Host": "orchestrator:8000"}, 200),
    ],
)
def test_foreign_hosts_and_pages_are_refused(stack: Any, headers: dict[str, str], status: int) -> None:
    with stack.http() as http:
        assert call(http, "red_echo", {"text": "hi"}, **headers).status_code == status
        if "Origin" not in headers:
            assert http.get("/health", headers=headers).status_code == status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused(stack: Any, chunked: bool) -> None:
    size = 9 * 1024 * 1024
    content: Any = (b"x" * 65536 for _ in range(size // 65536)) if chunked else b"x" * size
    with stack.http() as http:
        try:
            status = http.post(
                "/mcp", content=content, headers={"Content-Type": "application/json", **ACCEPT}
            ).status_code
        except httpx2.TransportError:
            status = 413  # the server answered and closed while the client was still sending
        assert status == 413
        assert call(http, "red_echo", {"text": "still here"}).status_code == 200


def test_a_body_of_several_megabytes_passes(stack: Any) -> None:
    said = "z" * 6_000_000
    with stack.http() as http:
        answer = call(http, "red_echo", {"text": said})
    assert answer.json()["result"]["content"][0]["text"] == said


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0"}',
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_message_is_answered_400(stack: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "MCP-Protocol-Version": "2026-07-28", **ACCEPT}
    with stack.http() as http:
        assert http.post("/mcp", content=body, headers=headers).status_code == 400


def test_headers_that_contradict_the_body_are_refused(stack: Any) -> None:
    with stack.http() as http:
        answer = call(http, "red_echo", {"text": "hi"}, **{"Mcp-Name": "blue_echo"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


def test_the_log_has_neither_key_nor_query(stack: Any) -> None:
    with stack.http() as http:
        key = http.headers["authorization"].removeprefix("Bearer ")
        call(http, "red_echo", {"text": "hi"})
        assert http.get(f"/mcp?api_key={key}", headers={"Authorization": "x"}).status_code == 401
    log = stack.orchestrator.log.read_text()
    assert key not in log
    assert "api_key" not in log


def test_metrics_count_calls_by_tool(stack: Any) -> None:
    with stack.http() as http:
        call(http, "red_echo", {"text": "hi"})
        call(http, "made_up", {})
        text = http.get("/metrics").text
    assert 'docgen_tool_calls_total{outcome="ok",tool="red_echo"}' in text
    assert 'docgen_tool_calls_total{outcome="failed",tool="unknown"}' in text
    assert "made_up" not in text
    assert 'path="/mcp"' in text


def test_sigterm_ends_it_in_ten_seconds_with_a_call_under_way(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    stack.up()
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "red_wait",
                "arguments": {"label": "l"},
                "_meta": {**META, "progressToken": 1},
            },
        }
    ).encode()
    with socket.create_connection(("127.0.0.1", stack.orchestrator.port)) as connection, stack.http() as http:
        lines = {
            "Host": "localhost",
            "Authorization": http.headers["authorization"],
            "Content-Type": "application/json",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": "red_wait",
            "Content-Length": str(len(body)),
            **ACCEPT,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
        received = b""
        while b"notifications/progress" not in received:
            received += connection.recv(65536)
        begun = time.monotonic()
        assert stack.orchestrator.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize("who", ["orchestrator", "red"])
def test_a_call_under_way_is_answered_before_the_process_that_is_told_to_end_ends(
    make_stack: Any, who: str
) -> None:
    stack = make_stack()
    red = stack.add("red")
    stack.up()
    ending = stack.orchestrator if who == "orchestrator" else red
    with stack.http() as http, ThreadPoolExecutor() as pool:
        http.timeout = 30
        assert call(http, "red_echo", {"text": "hi"}).status_code == 200
        arguments = {"steps": 150, "label": "done"}  # a second and a half
        answer = pool.submit(call, http, "red_count", arguments)
        time.sleep(0.5)  # it is under way
        assert not answer.done()
        told = time.monotonic()
        assert ending.stop(signal.SIGTERM) == 0
        assert time.monotonic() - told < 10
        assert '"done"' in answer.result(30).text

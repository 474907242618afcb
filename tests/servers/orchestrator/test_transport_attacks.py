"""The list "MCP transport and gateway" of attacks, on the orchestrator's own socket, byte by byte.

Each test names the case that it drives; docs/security.md says where the others are driven.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import wire
from tests.servers.orchestrator.conftest import Process, Stack
from tests.servers.orchestrator.raw_http import KEY_LINE, Reply, ask, connected, head, read

MIB = 1024 * 1024
LIMIT = 8 * MIB
"""The largest body, by default."""

FORM = ("Content-Type: application/json", "Accept: application/json, text/event-stream")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("attacked"))
    stack.add("red")
    stack.add_erratic("blue")
    try:
        yield stack.up()
    finally:
        stack.close()


def call(text: str = "hi", tool: str = "red_echo") -> dict[str, Any]:
    return wire.message("tools/call", {"name": tool, "arguments": {"text": text}})


def post(
    stack: Stack,
    message: dict[str, Any] | bytes,
    *lines: str,
    server: Process | None = None,
    headers: dict[str, str] | None = None,
    key: str | None = KEY_LINE,
    path: str = "/mcp",
    **more: Any,
) -> Reply:
    """Send a message with the header lines that go with it, or with others."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    told = headers if headers is not None else wire.headers(json.loads(body))
    own = [f"{name}: {value}" for name, value in told.items() if name != "Accept"]
    own += [*FORM, *([key] if key else []), f"Content-Length: {len(body)}", *lines]
    port = (server or stack.orchestrator).port
    return ask(port, head("POST", path, *own, **more), body)


def error_code(reply: Reply) -> int:
    return int(json.loads(reply.body)["error"]["code"])


# --- case 56: Host and path


@pytest.mark.parametrize("host", ["a/?x=", "127.0.0.1/mcp", "127.0.0.1@evil", "user:pw@127.0.0.1", "a b", ""])
def test_a_host_that_is_none_is_refused_case_56(attacked: Stack, host: str) -> None:
    assert post(attacked, call(), host=host).status == 400


def test_two_hosts_and_none_are_refused_case_56(attacked: Stack) -> None:
    assert post(attacked, call(), "Host: 127.0.0.1").status == 400
    assert post(attacked, call(), host=None).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "@evil",
        "//mcp",
        "/mcp/",
        "/mcp;x",
        "/health/../mcp",
        "/health/mcp",
        "/health?/mcp",
        "/health@/mcp",
        "/%6dcp",
        "http://127.0.0.1/mcp",
        "http://evil.example/mcp",
        "*",
    ],
)
def test_no_spelling_of_a_path_gets_past_the_key_case_56(attacked: Stack, path: str) -> None:
    refused = post(attacked, call(), path=path, key=None)
    assert refused.status in (400, 401, 405), refused
    assert b"result" not in refused.body
    for hidden in (
        "/metrics",
        "//metrics",
        "/health/../metrics",
        "/health/%2e%2e/metrics",
        "http://x/metrics",
    ):
        assert ask(attacked.orchestrator.port, head("GET", hidden)).status == 401


# --- case 65: Origin and Host on every door


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/mcp"), ("POST", "/mcp/red"), ("GET", "/metrics"), ("GET", "/events"), ("GET", "/health")],
)
def test_foreign_pages_and_hosts_are_refused_on_every_door_case_65(
    attacked: Stack, method: str, path: str
) -> None:
    port = attacked.orchestrator.port
    begin = (method, path, KEY_LINE, "Content-Length: 0")
    assert ask(port, head(*begin, "Origin: https://evil.example")).status == 403
    assert ask(port, head(*begin, "Origin: null")).status == 403
    assert ask(port, head(*begin, host="evil.example")).status == 421
    if path == "/events":
        socket_lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        asked = (*begin[:3], *socket_lines, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        assert ask(port, head(*asked, "Origin: https://evil.example")).status == 403
        assert ask(port, head(*asked, host="evil.example")).status in (403, 421)


# --- cases 66 and 67: headers, versions, methods


@pytest.mark.parametrize("where", ["orchestrator", "red"])
@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"Mcp-Method": None}, ()),
        ({"Mcp-Name": None}, ()),
        ({"Mcp-Method": "tools/list"}, ()),
        ({"Mcp-Name": "red_pid"}, ()),
        ({"Mcp-Name": "RED_ECHO"}, ()),
        ({}, ("Mcp-Name: red_pid",)),
        ({}, ("Mcp-Name: red_echo",)),
        ({}, ("Mcp-Method: tools/list",)),
    ],
)
def test_headers_that_miss_or_contradict_the_body_are_refused_case_66(
    attacked: Stack, where: str, changed: dict[str, str | None], lines: tuple[str, ...]
) -> None:
    headers = {n: v for n, v in {**wire.headers(call()), **changed}.items() if v is not None}
    refused = ask_at(attacked, where, call(), headers, *lines)
    assert (refused.status, error_code(refused)) == (400, -32020)


@pytest.mark.parametrize("where", ["orchestrator", "red"])
def test_unknown_versions_are_told_the_known_ones_case_67(attacked: Stack, where: str) -> None:
    raw = json.dumps(call()).replace(wire.VERSION, "2031-01-01")
    headers = {**wire.headers(call()), "MCP-Protocol-Version": "2031-01-01"}
    refused = ask_at(attacked, where, raw.encode(), headers)
    assert (refused.status, error_code(refused)) == (400, -32022)
    assert wire.VERSION in json.loads(refused.body)["error"]["data"]["supported"]


@pytest.mark.parametrize("where", ["orchestrator", "red"])
def test_unknown_methods_are_not_found_case_67(attacked: Stack, where: str) -> None:
    message = wire.message("tools/destroy")
    refused = ask_at(attacked, where, message, wire.headers(message))
    assert (refused.status, error_code(refused)) == (404, -32601)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_only_post_is_served_where_there_are_no_sessions_case_68(attacked: Stack, method: str) -> None:
    asked = head(method, "/mcp", KEY_LINE, "Accept: text/event-stream", "Content-Length: 0")
    assert ask(attacked.orchestrator.port, asked).status == 405


def ask_at(stack: Stack, where: str, message: Any, headers: dict[str, str], *lines: str) -> Reply:
    if where == "orchestrator":
        return post(stack, message, *lines, headers=headers)
    server = stack.servers[where]
    return post(
        stack, message, *lines, headers=headers, server=server, key=f"Authorization: Bearer {server.key}"
    )


# --- case 71: bodies


@pytest.mark.parametrize("where", ["orchestrator", "red"])
@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('"method": "tools/call"', '"method": "tools/list", "method": "tools/call"'),
        ('"jsonrpc"', '"id": 7, "jsonrpc"'),
        ('"name": "red_echo"', '"name": "red_pid", "name": "red_echo"'),
        ('"name": "red_echo"', '"n\\u0061me": "red_pid", "name": "red_echo"'),
        ('"text": "hi"', '"text": "a:b", "text": "hi"'),
        ('"text": "hi"', '"text": {"x": 1, "x": 2}'),
        ('"text": "hi"', '"text": "a\\u003ab", "text": "hi"'),
        ('"text": "hi"', '"text" : "hi", "text": "hi"'),
        ('"hi"', "NaN"),
        ('"hi"', "-Infinity"),
        ('"hi"', "[" * 100_000 + "]" * 100_000),
        ('"hi"', '{"a":' * 100_000 + "1" + "}" * 100_000),
        ('"hi"', "[" * 100_000),
        ('"hi"', '"\x00"'),
    ],
)
def test_json_that_parsers_read_differently_or_not_at_all_is_refused_case_71(
    attacked: Stack, where: str, there: str, instead: str
) -> None:
    raw = json.dumps(call())
    assert there in raw
    refused = ask_at(attacked, where, raw.replace(there, instead).encode(), wire.headers(call()))
    assert (refused.status, error_code(refused)) == (400, -32700)


@pytest.mark.parametrize("text", ["a: b", '"quoted": yes', "é : ü", "C:\\x", '{"a":1,"a":2}'])
def test_texts_that_look_like_names_pass_case_71(attacked: Stack, text: str) -> None:
    answer = json.loads(post(attacked, call(text)).body)
    assert answer["result"]["content"][0]["text"] == text


def test_a_gigabyte_that_is_announced_is_refused_unread_case_71(attacked: Stack) -> None:
    for key in (KEY_LINE, "X-Nothing: 1"):
        begun = time.monotonic()
        refused = ask(attacked.orchestrator.port, head("POST", "/mcp", key, f"Content-Length: {2**30}"), b"{")
        assert refused.status == 413
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("callers", [24])
@pytest.mark.parametrize("key", [KEY_LINE, "X-Nothing: 1"], ids=["key", "no key"])
def test_endless_chunks_are_refused_and_memory_is_bounded_case_71(
    attacked: Stack, key: str, callers: int
) -> None:
    """Two dozen at once, of which together a process of ours could not keep what each may send."""
    orchestrator = attacked.orchestrator
    before = reset_peak_mib(orchestrator)
    statuses: list[int] = []

    def send() -> None:
        lines = (*FORM, key, "Transfer-Encoding: chunked")
        told = [f"{n}: {v}" for n, v in wire.headers(call()).items() if n != "Accept"]
        with connected(orchestrator.port) as connection:
            try:
                connection.sendall(head("POST", "/mcp", *lines, *told))
                for _ in range(1024):  # a gigabyte, if it were let
                    connection.sendall(b"100000\r\n" + b" " * MIB + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            statuses.append(read(connection).status)

    begun = time.monotonic()
    threads = [threading.Thread(target=send) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert time.monotonic() - begun < 20
    refused = {413, 503} if key == KEY_LINE else {401}
    # A refusal may be lost to a sender that goes on sending; nothing else may come.
    assert len(statuses) == callers
    assert set(statuses) <= refused | {0}
    assert set(statuses) & refused
    assert peak_mib(orchestrator) - before < 200
    assert served_soon(attacked)


def test_large_bodies_at_once_are_refused_before_memory_ends_case_71(attacked: Stack) -> None:
    """Each is within the limit; together they are more than a container has."""
    orchestrator = attacked.orchestrator
    before = reset_peak_mib(orchestrator)
    told = [f"{n}: {v}" for n, v in wire.headers(call()).items() if n != "Accept"]
    statuses: list[int] = []

    def send() -> None:
        with connected(orchestrator.port, 4) as connection:
            try:
                connection.sendall(head("POST", "/mcp", *FORM, KEY_LINE, *told, f"Content-Length: {LIMIT}"))
                for _ in range(7):
                    connection.sendall(b" " * MIB)
            except (BrokenPipeError, ConnectionResetError):
                pass
            statuses.append(read(connection).status)  # the rest never comes

    threads = [threading.Thread(target=send) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(statuses) <= {503, 0}
    assert 503 in statuses
    assert peak_mib(orchestrator) - before < 250
    assert served_soon(attacked)


def test_large_bodies_have_their_room_again_afterwards_case_71(attacked: Stack) -> None:
    text = "x" * (LIMIT - 4096)
    for _ in range(10):
        assert post(attacked, call(text)).status == 200


# --- case 73: slow callers


@pytest.mark.soak  # half a minute of waiting; see also test_a_body_that_does_not_come_is_not_waited_for
def test_a_body_that_trickles_is_cut_and_others_are_served_case_73(make_stack: Callable[[], Stack]) -> None:
    stack = make_stack()
    stack.add("red")
    stack.up()
    trickle = [connected(stack.orchestrator.port, 60) for _ in range(50)]
    open_now = [one.__enter__() for one in trickle]
    begun = time.monotonic()
    for connection in open_now:
        connection.sendall(head("POST", "/mcp", KEY_LINE, *FORM, "Content-Length: 1000") + b"{")
    statuses = []
    while time.monotonic() - begun < 60 and len(statuses) < len(open_now):
        assert post(stack, call()).status == 200
        statuses = [connection for connection in open_now if cut(connection)]
        for connection in open_now:
            if connection not in statuses:
                connection.sendall(b" ")
        time.sleep(0.5)
    took = time.monotonic() - begun
    for one in trickle:
        one.__exit__(None, None, None)
    assert len(statuses) == len(open_now)
    assert took < 45


def cut(connection: socket.socket) -> bool:
    """Whether the other side has answered or closed."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) is not None
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)


# --- case 80: no way to have a program started


@pytest.mark.parametrize(
    "path", ["/servers", "/gateways", "/admin", "/admin/servers", "/api/servers", "/mcp/servers", "/register"]
)
def test_there_is_no_door_at_which_to_add_a_program_case_80(attacked: Stack, path: str) -> None:
    body = json.dumps({"name": "x", "command": "sh", "args": ["-c", "id"], "env": {"A": "b"}}).encode()
    for method in ("POST", "PUT", "PATCH"):
        lines = (KEY_LINE, "Content-Type: application/json", f"Content-Length: {len(body)}")
        assert ask(attacked.orchestrator.port, head(method, path, *lines), body).status in (404, 405)


@pytest.mark.parametrize("method", ["servers/add", "gateway/register", "config/set", "roots/set"])
def test_there_is_no_method_to_add_a_program_either_case_80(attacked: Stack, method: str) -> None:
    message = wire.message(method, {"name": "x", "command": "sh", "args": ["-c", "id"]})
    refused = post(attacked, message)
    assert (refused.status, error_code(refused)) == (404, -32601)


# --- smuggling: two ways to say where a body ends


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
    ],
)
def test_a_body_with_two_ends_is_refused_and_nothing_behind_it_is_served(
    attacked: Stack, lines: tuple[str, ...]
) -> None:
    behind = b"0\r\n\r\n" + head("GET", "/health")
    refused = ask(attacked.orchestrator.port, head("POST", "/mcp", KEY_LINE, *FORM, *lines), behind)
    assert refused.status in (400, 0)
    assert b'"status"' not in refused.body


def served_soon(stack: Stack) -> bool:
    """Whether a call is answered within five seconds: shedding load right after an attack is no failure."""
    deadline = time.monotonic() + 5
    while (status := post(stack, call()).status) == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    return status == 200


def reset_peak_mib(process: Process) -> float:
    assert process.process is not None
    Path(f"/proc/{process.process.pid}/clear_refs").write_text("5")
    return peak_mib(process)


def peak_mib(process: Process) -> float:
    assert process.process is not None
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def test_callers_who_read_nothing_cost_bounded_memory_and_nobody_else_waits_case_73(attacked: Stack) -> None:
    orchestrator = attacked.orchestrator
    before = reset_peak_mib(orchestrator)
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            mute(stack, orchestrator.port)
            begun = time.monotonic()
            assert post(attacked, call()).status in (200, 503)
            assert time.monotonic() - begun < 5
        time.sleep(3)
        grown = peak_mib(orchestrator) - before
    assert grown < 350
    assert served_soon(attacked)


@pytest.mark.soak
def test_a_caller_who_reads_nothing_is_cut_off_case_73(attacked: Stack) -> None:
    with contextlib.ExitStack() as stack:
        connection = mute(stack, attacked.orchestrator.port)
        time.sleep(34)
        connection.settimeout(10)
        read_in_the_end = 0
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(MIB):
                read_in_the_end += len(part)
    assert read_in_the_end < 4 * MIB


def mute(stack: contextlib.ExitStack, port: int) -> socket.socket:
    """A caller who asks for much and reads nothing."""
    message = wire.message("tools/call", {"name": "red_big", "arguments": {"size": 4 * MIB}})
    body = json.dumps(message).encode()
    told = [f"{n}: {v}" for n, v in wire.headers(message).items() if n != "Accept"]
    connection = stack.enter_context(connected(port))
    connection.sendall(head("POST", "/mcp", *FORM, KEY_LINE, *told, f"Content-Length: {len(body)}") + body)
    return connection

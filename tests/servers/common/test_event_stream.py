"""Listeners that do not read are cut off, and there is room for so many only."""

import contextlib
import socket
import time
from typing import Any

import pytest

HANDSHAKE = (
    "GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dgk_one\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PLAIN = "GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dgk_one\r\n\r\n"


@pytest.fixture
def server(make_server: Any) -> Any:
    from .conftest import key_entry

    running = make_server()
    running.switch_keys("1", key_entry("dgk_one"))
    return running.start()


def left(server: Any) -> int:
    return sum(line["event"] == "listener left" for line in server.lines())


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("head", [PLAIN, HANDSHAKE], ids=["sse", "websocket"])
def test_a_listener_that_does_not_read_is_cut_off_and_its_place_is_free_again(server: Any, head: str) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 5))
            slow.sendall(head.encode())
        wait_for(lambda: sum(line["event"] == "listener came" for line in server.lines()) == 2)
        wait_for(lambda: left(server) == 2)
    with socket.create_connection(("127.0.0.1", server.port), 5) as again:
        again.sendall(head.encode())
        assert again.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 101")


@pytest.mark.parametrize("head", [PLAIN, HANDSHAKE], ids=["sse", "websocket"])
def test_one_listener_too_many_is_refused_at_once(server: Any, head: str) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            reader = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 5))
            reader.sendall(PLAIN.encode())
            reader.recv(1024)
        with socket.create_connection(("127.0.0.1", server.port), 5) as third:
            third.sendall(head.encode())
            assert third.recv(12) == b"HTTP/1.1 503"

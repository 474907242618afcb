"""Bytes on a socket, for requests that no client library would send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.servers.orchestrator.conftest import CLIENT_KEY

KEY_LINE = f"Authorization: Bearer {CLIENT_KEY}"


class Reply(NamedTuple):
    """What came back; status 0 when nothing did."""

    status: int
    head: str
    body: bytes


@contextmanager
def connected(port: int, seconds: float = 20) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        yield connection


def head(method: str, path: str, *lines: str, host: str | None = "127.0.0.1") -> bytes:
    first = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else [])]
    return "".join(f"{line}\r\n" for line in [*first, *lines]).encode("latin-1") + b"\r\n"


def ask(port: int, *parts: bytes, seconds: float = 20) -> Reply:
    """Send, and read one reply, or as much of one as comes."""
    with connected(port, seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before it was all sent, which is fine
        return read(connection)


def read(connection: socket.socket) -> Reply:
    """One reply: to its announced end, or to that of the connection."""
    raw = b""
    try:
        while not _whole(raw) and (part := connection.recv(65_536)):
            raw += part
    except (TimeoutError, ConnectionResetError):
        pass
    begin, _, body = raw.partition(b"\r\n\r\n")
    status = int(begin[9:12]) if begin.startswith(b"HTTP/1.") else 0
    return Reply(status, begin.decode("latin-1").lower(), body)


def _whole(raw: bytes) -> bool:
    begin, found, body = raw.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in begin.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")

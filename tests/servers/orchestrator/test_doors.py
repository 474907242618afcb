"""The doors in a process of their own, in front of a stand-in for the orchestrator at a Unix socket.

What clients see through them is tested end to end; here is what a client cannot see: what is passed on, and
what happens when the other side fails.
"""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docgenctl.certificates.gateway import ensure_gateway_certificate
from docgenctl.rendering.gateway import render_doors
from tests.unit.rendering.blueprints import TEMPLATES, make_blueprint

pytestmark = pytest.mark.timeout(60)
SOURCES = Path(__file__).parents[3] / "server_images"
SETTINGS = {"gateway": {"max_body": "64k", "request_timeout": 5}, "servers": {"main": {}, "github": {}}}


@dataclass
class StandIn:
    """Takes one request a connection, remembers it, and answers with `answer`; empty breaks off."""

    path: str
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: secret\r\nX-Own: 1\r\n\r\n{}"
    requests: list[bytes] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := connection.recv(65536)):
                    return
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
            while len(body) < length:
                body += connection.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            if self.hold.is_set():
                connection.recv(1)  # returns when the doors hang up
                self.left.set()
                return
            connection.sendall(self.answer)


@dataclass
class Doors:
    ports: dict[int, int]
    trust: ssl.SSLContext
    behind: StandIn
    log: Path

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, door: int = 8080, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(
            "localhost", self.ports[door], context=self.trust, timeout=20
        )
        try:
            connection.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("localhost", self.ports[8080]), timeout=20)
        return self.trust.wrap_socket(plain, server_hostname="localhost")


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    tmp_path = tmp_path_factory.mktemp("doors")
    config, secrets, state = (tmp_path / name for name in ("config", "secrets", "state"))
    for folder in (config, secrets, state):
        folder.mkdir(mode=0o700)
    (config / "gateway.json").write_text(render_doors(make_blueprint(SETTINGS), TEMPLATES))
    certificate = ensure_gateway_certificate(state, [], "development", datetime.now(UTC), project="doors")
    (secrets / "gateway.pem").write_bytes(certificate.pem.reveal_bytes())
    behind = StandIn("orchestrator.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / behind.path))
    listener.listen()
    threading.Thread(target=behind.serve, args=(listener,), daemon=True).start()
    opened = {port: socket.create_server(("127.0.0.1", 0)) for port in (8080, 3000, 3200, 8800)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "docgen_orchestrator.doors"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{SOURCES}/common/src:{SOURCES}/orchestrator/src",
                "DOCGEN_CONFIG_DIR": str(config),
                "DOCGEN_SECRETS_DIR": str(secrets),
                "DOCGEN_PEERS": f"orchestrator={behind.path}",
                "DOCGEN_SOCKET": "gateway.sock",
                "DOCGEN_LISTEN": ",".join(f"{port}={sock.fileno()}" for port, sock in opened.items()),
            },
            stdout=output,
            stderr=output,
            pass_fds=[sock.fileno() for sock in opened.values()],
        )
    ports = {port: int(sock.getsockname()[1]) for port, sock in opened.items()}
    for sock in opened.values():
        sock.close()
    trust = ssl.create_default_context(cadata=certificate.root_pem.decode())
    yield Doors(ports, trust, behind, log)
    process.terminate()
    assert process.wait(15) == 0, log.read_text()
    listener.close()


@pytest.fixture
def doors(one_process: Doors) -> Doors:
    """The same process for every test, with a stand-in that knows nothing of earlier ones."""
    behind = one_process.behind
    behind.answer = StandIn("").answer
    behind.requests.clear()
    behind.hold.clear()
    behind.left.clear()
    return one_process


def test_what_only_proxies_may_say_is_not_passed_on(doors: Doors) -> None:
    status, headers, _ = doors.ask(
        "POST",
        "/mcp",
        b"{}",
        Authorization="Bearer x",
        X_Forwarded_For="6.6.6.6",
        Forwarded="for=6.6.6.6",
        X_Real_IP="6.6.6.6",
        X_Docgen_User="root",
        Proxy="http://evil.example",
        X_Correlation_ID="mine-1",
        Connection="keep-alive, X-Hidden",
        X_Hidden="1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    assert status == 200
    head, _, body = doors.behind.requests[0].partition(b"\r\n\r\n")
    sent = {line.partition(b": ")[0].lower(): line.partition(b": ")[2] for line in head.split(b"\r\n")[1:]}
    assert body == b"{}"
    assert sent[b"host"] == b"orchestrator"
    assert sent[b"x-forwarded-for"] == b"127.0.0.1"
    assert sent[b"x-forwarded-proto"] == b"https"
    assert sent[b"authorization"] == b"Bearer x"
    assert sent[b"x-correlation-id"] == b"mine-1"
    assert b"traceparent" in sent
    for gone in (b"forwarded", b"x-real-ip", b"x-docgen-user", b"proxy", b"x-hidden", b"connection"):
        assert gone not in sent
    assert (headers["x-correlation-id"], headers["x-own"]) == ("mine-1", "1")
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("door", "path", "target"),
    [(8080, "/mcp/main", b"/mcp/main"), (3200, "/mcp", b"/mcp/main"), (3000, "/mcp", b"/mcp/github")],
)
def test_each_door_leads_to_its_own_place(doors: Doors, door: int, path: str, target: bytes) -> None:
    assert doors.ask("POST", path, b"{}", door=door)[0] == 200
    assert doors.behind.requests[0].startswith(b"POST " + target + b" HTTP/1.1\r\n")


@pytest.mark.parametrize("path", ["/mcp/", "//mcp", "/%6dcp", "/metrics", "/mcp/other", "/health/../mcp"])
def test_other_paths_never_get_through(doors: Doors, path: str) -> None:
    assert doors.ask("POST", path, b"{}")[0] == 404
    assert doors.behind.requests == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(("door", "path"), [(8080, "/mcp"), (8080, "/mcp/main"), (3200, "/mcp")])
def test_without_sessions_endpoints_take_post_alone(doors: Doors, method: str, door: int, path: str) -> None:
    status, headers, _ = doors.ask(method, path, door=door)
    assert (status, headers["allow"]) == (405, "POST")
    assert not doors.behind.requests


def test_a_chunked_body_that_is_too_large_never_gets_through(doors: Doors) -> None:
    with doors.raw() as client:
        client.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"".join(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" for _ in range(5)) + b"0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
    assert doors.behind.requests == []


def test_head_is_answered_without_a_body(doors: Doors) -> None:
    status, headers, body = doors.ask("HEAD", "/health")
    assert (status, headers["content-length"], body) == (200, "2", b"")


def test_an_orchestrator_that_is_not_there_is_told(doors: Doors) -> None:
    place = doors.log.parent / doors.behind.path
    aside = place.rename(f"{place}.aside")
    status, headers, body = doors.ask("POST", "/mcp", b"{}")
    aside.rename(place)
    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["error"]["code"] == "unavailable"


def test_a_broken_answer_is_told_and_a_call_is_not_repeated(doors: Doors) -> None:
    doors.behind.answer = b""
    assert doors.ask("POST", "/mcp", b"{}")[0] == 502
    assert len(doors.behind.requests) == 1


def test_an_answer_that_does_not_come_is_given_up(doors: Doors) -> None:
    doors.behind.hold.set()
    assert doors.ask("POST", "/mcp", b"{}")[0] == 504
    assert doors.behind.left.wait(10)


def test_a_client_that_leaves_cancels_its_call(doors: Doors) -> None:
    doors.behind.hold.set()
    with doors.raw() as client:
        client.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        deadline = time.monotonic() + 10
        while not doors.behind.requests:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert doors.behind.left.wait(4), "the call goes on without anybody who waits for it"


def test_the_log_has_a_line_for_each_request_without_query_or_key(doors: Doors) -> None:
    for path, name in (("/mcp?token=hidden", "first"), ("/nowhere", "second")):
        doors.ask("POST", path, b"{}", Authorization="Bearer hidden", X_Correlation_ID=name)
    deadline = time.monotonic() + 10
    while '"second"' not in (text := doors.log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    lines = {line["correlation_id"]: line for line in map(json.loads, text.splitlines())}
    assert [(lines[name]["path"], lines[name]["status"]) for name in ("first", "second")] == [
        ("/mcp", 200),
        ("/nowhere", 404),
    ]
    assert "hidden" not in text

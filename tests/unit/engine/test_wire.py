"""Speaking the Engine API without the SDK, tried with a small real server on a unix socket."""

import http.server
import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.engine.failures import AnswerError
from docgenctl.engine.wire import Wire
from docgenctl.model.errors import EngineError


class Small(http.server.BaseHTTPRequestHandler):
    """Tells what was asked; `/drop` closes the connection after its answer without saying so."""

    protocol_version = "HTTP/1.1"
    connections: int

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_GET(self) -> None:
        status = 409 if self.path.endswith("/conflict") else 200
        body = json.dumps({"message": f"asked for {self.path}"} if status == 409 else {"path": self.path})
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
        if self.path.endswith("/drop"):
            self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Not in a test."""

    def address_string(self) -> str:
        return "unix"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def wire() -> Iterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="docgenctl-test-") as folder:
        path = str(Path(folder, "engine.sock"))
        Small.connections = 0
        with Server(path, Small) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            ours = Wire(f"unix://{path}", api_version="1.41", timeout_s=5)
            yield ours
            ours.close()
            server.shutdown()


def test_a_connection_is_used_again(wire: Wire) -> None:
    for _ in range(5):
        assert wire.get("look", "/networks") == {"path": "/v1.41/networks"}
    assert Small.connections == 1


def test_a_look_over_a_connection_that_the_engine_has_closed_is_repeated(wire: Wire) -> None:
    wire.get("look", "/drop")
    assert wire.get("look", "/networks") == {"path": "/v1.41/networks"}
    assert Small.connections == 2


def test_what_may_have_had_an_effect_is_not_repeated(wire: Wire) -> None:
    wire.get("look", "/drop")
    with pytest.raises(EngineError, match="cannot run it: the connection to the engine failed"):
        wire.post("run it", "/containers/x/exec", {})


def test_the_engine_s_refusal_is_told_in_its_own_words(wire: Wire) -> None:
    with pytest.raises(AnswerError, match=r"cannot look: asked for /v1\.41/conflict") as refused:
        wire.get("look", "/conflict")
    assert refused.value.status == 409


def test_names_and_filters_reach_the_engine_as_they_are(wire: Wire) -> None:
    asked = wire.get("look", "/images/repo/a:1@sha256:0/json", all=1, since="", filters={"label": ["a=ü b"]})
    assert asked["path"] == (
        "/v1.41/images/repo/a:1@sha256:0/json?all=1&filters=%7B%22label%22%3A+%5B%22a%3D%5Cu00fc+b%22%5D%7D"
    )
    assert wire.get("look", "/containers/a b?c/json") == {"path": "/v1.41/containers/a%20b%3Fc/json"}


def test_an_engine_that_has_gone_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot look: the connection to the engine failed") as failed:
        Wire(f"unix://{tmp_path}/none.sock", api_version="1.41").get("look", "/networks")
    assert failed.value.code == "stopped"

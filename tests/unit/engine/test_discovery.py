"""Finding the engine: precedence and refusals, tried with real sockets and a small real server."""

import http.server
import json
import multiprocessing
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docgenctl.engine import discovery
from docgenctl.engine.discovery import connect
from docgenctl.model.errors import EngineError

pytestmark = pytest.mark.timeout(30)

OLD = {"Version": "19.03.5", "ApiVersion": "1.40", "MinAPIVersion": "1.12", "Os": "linux"}
NEW = {
    "Version": "29.0.0",
    "ApiVersion": "1.52",
    "MinAPIVersion": "1.44",
    "Os": "linux",
    "Arch": "arm64",
    "Components": [{"Name": "Engine"}],
}


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A short path that everybody may enter: socket paths end at 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="docgenctl-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def answering(path: Path, version: object, *, silent: bool = False, status: int = 200) -> Iterator[None]:
    """An HTTP server on a unix socket that answers `/version` and `/info`."""
    released = threading.Event()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if silent:
                released.wait(20)
                return
            known = self.path.endswith(("/version", "/info"))
            body = json.dumps(version if known else {"message": "page not found"}).encode()
            self.send_response(status if known and version is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return None

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(path), Answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield
        finally:
            released.set()
            server.shutdown()


def _refused_socket(path: Path) -> Path:
    """A socket file that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    return path


def _refusal(environ: Mapping[str, str], timeout_s: float = 4.0) -> EngineError:
    begun = time.monotonic()
    with pytest.raises(EngineError) as caught:
        connect(environ, timeout_s=timeout_s)
    assert time.monotonic() - begun < 5
    assert caught.value.hint
    assert caught.value.exit_code == 4
    return caught.value


@pytest.fixture
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which default sockets this machine has, instead of its own; none unless told."""

    def set_to(*paths: Path) -> None:
        endpoints = tuple(
            discovery.Endpoint(address=f"unix://{path}", source=f"socket {path}") for path in paths
        )
        monkeypatch.setattr(discovery, "known_endpoints", lambda environ: endpoints)

    return set_to


@pytest.fixture
def docker_installed(sockets: Path) -> str:
    program = sockets / "docker"
    program.touch(mode=0o755)
    return str(sockets)


# -- refusals ------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [401, 403])
def test_an_engine_that_refuses_this_user_means_denied_and_is_quoted(sockets: Path, status: int) -> None:
    with answering(sockets / "s", {"message": "authorization denied by plugin"}, status=status):
        error = _refusal({"DOCKER_HOST": f"unix://{sockets}/s"})
    assert error.code == "denied"
    assert "authorization denied by plugin" in error.message
    assert error.hint == "unset DOCKER_HOST"


def test_a_socket_that_nobody_listens_on_means_stopped(
    sockets: Path, no_defaults: Callable[..., None], docker_installed: str
) -> None:
    no_defaults(_refused_socket(sockets / "s"))
    assert _refusal({"PATH": docker_installed}).code == "stopped"


def test_a_missing_socket_with_docker_installed_means_stopped(
    sockets: Path, no_defaults: Callable[..., None], docker_installed: str
) -> None:
    no_defaults(sockets / "missing")
    assert _refusal({"PATH": docker_installed}).code == "stopped"


def test_a_missing_socket_without_docker_means_absent(
    sockets: Path, no_defaults: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_defaults(sockets / "missing")
    nothing = discovery.Host(docker_installed=False, apt=True)
    monkeypatch.setattr(discovery, "survey", lambda environ, system: nothing)
    error = _refusal({})
    assert (error.code, error.hint) == ("absent", "sudo apt-get install -y docker.io")


def _code_as_another_user(address: str, results: Any) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        connect({"DOCKER_HOST": address})
        results.put(("connected", ""))
    except EngineError as error:
        results.put((error.code, error.hint))


def test_a_socket_without_permission_means_denied(sockets: Path) -> None:
    path = sockets / "s"
    with answering(path, NEW):
        path.chmod(0o600 if os.geteuid() == 0 else 0o000)
        fork = multiprocessing.get_context("fork")
        results = fork.SimpleQueue()
        child = fork.Process(target=_code_as_another_user, args=(f"unix://{path}", results))
        child.start()
        child.join(10)
        assert not child.is_alive()
        assert results.get() == ("denied", 'sudo usermod -aG docker "$USER" && newgrp docker')


def test_an_engine_before_20_10_is_too_old(sockets: Path) -> None:
    with answering(sockets / "s", OLD):
        error = _refusal({"DOCKER_HOST": f"unix://{sockets}/s"})
    assert error.code == "too_old"
    assert "19.03.5" in error.message


def test_an_engine_that_never_answers_is_given_up(sockets: Path) -> None:
    with answering(sockets / "s", NEW, silent=True):
        error = _refusal({"DOCKER_HOST": f"unix://{sockets}/s"}, timeout_s=0.3)
    assert error.code == "stopped"
    assert "no answer" in error.message


def test_something_else_on_the_socket_is_not_an_engine(sockets: Path) -> None:
    with answering(sockets / "s", None):
        assert _refusal({"DOCKER_HOST": f"unix://{sockets}/s"}).code == "unsupported"


def test_windows_containers_are_refused(sockets: Path) -> None:
    with answering(sockets / "s", NEW | {"Os": "windows"}):
        assert _refusal({"DOCKER_HOST": f"unix://{sockets}/s"}).code == "unsupported"


@pytest.mark.parametrize(
    "address", ["ssh://me@far", "tcp://192.0.2.1:2375", "npipe:////./pipe/docker_engine"]
)
def test_engines_of_other_machines_are_refused(address: str) -> None:
    error = _refusal({"DOCKER_HOST": address})
    assert (error.code, error.hint) == ("unsupported", "unset DOCKER_HOST")


def test_a_dead_choice_beside_a_living_default_is_the_wrong_context(
    sockets: Path, no_defaults: Callable[..., None]
) -> None:
    no_defaults(sockets / "alive")
    with answering(sockets / "alive", NEW):
        error = _refusal({"DOCKER_HOST": f"unix://{sockets}/dead"})
    assert (error.code, error.hint) == ("wrong_context", "unset DOCKER_HOST")
    assert "alive" in error.message


def test_a_context_that_is_not_there_is_the_wrong_context(sockets: Path) -> None:
    error = _refusal({"DOCKER_CONTEXT": "nowhere", "DOCKER_CONFIG": str(sockets)})
    assert (error.code, error.hint) == ("wrong_context", "unset DOCKER_CONTEXT")


def test_of_several_dead_sockets_the_denied_one_is_told() -> None:
    errors = [EngineError("", code=code, hint="x") for code in ("absent", "stopped", "denied")]
    assert discovery._most_telling(errors).code == "denied"


def test_a_newer_engine_is_spoken_to_in_words_we_know(sockets: Path) -> None:
    with answering(sockets / "s", NEW):
        engine = connect({"DOCKER_HOST": f"unix://{sockets}/s"})
        info = engine.info()
        engine.close()
    assert (info.version, info.api_version, info.source) == ("29.0.0", "1.51", "DOCKER_HOST")
    assert (info.name, info.architecture) == ("Docker Engine", "arm64")


def test_importing_the_engine_room_does_not_import_the_sdk() -> None:
    script = "import sys, docgenctl.engine.discovery; sys.exit('docker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

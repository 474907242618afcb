"""The adapter as a real process in front of real programs, and a caller of the 2026-07-28 wire."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.servers import wire

REPOSITORY = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("program.py")
KEY = "dgk_upstream-key-of-these-tests-0000000000000000000"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Adapter:
    """An adapter process; `options` are what docgenctl writes into server.json."""

    def __init__(self, folder: Path, options: dict[str, Any], secrets: dict[str, str] | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.work = folder / "work"
        for part in ("config", "secrets", "work"):
            (folder / part).mkdir(parents=True)
        (folder / "config/server.json").write_text(json.dumps({"options": options}))
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        key = {
            "id": "upstream",
            "sha256": digest,
            "scopes": ["*"],
            "created": "2026-01-01T00:00:00Z",
            "expires": None,
        }
        (folder / "secrets/api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
        for name, value in (secrets or {}).items():
            (folder / "secrets" / name).write_text(value)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def start(self, **environment: str) -> "Adapter":
        rooms = [str(REPOSITORY / "server_images" / name / "src") for name in ("common", "adapter")]
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(rooms),
            "DOCGEN_SERVER": "program",
            "DOCGEN_BIND": "127.0.0.1",
            "DOCGEN_PORT": str(self.port),
            "DOCGEN_CONFIG_DIR": str(self.folder / "config"),
            "DOCGEN_SECRETS_DIR": str(self.folder / "secrets"),
            "DOCGEN_DATA": str(self.work),
            "LEAK": "of-the-adapter",
            **environment,
        }
        with self.log.open("ab") as log:
            argv = [sys.executable, "-m", "docgen_adapter"]
            self.process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log)
        until(self.listens, what="the adapter listens")
        return self

    def listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False

    def ready(self) -> tuple[int, dict[str, Any]]:
        answer = httpx2.get(f"http://127.0.0.1:{self.port}/health/ready", trust_env=False, timeout=10)
        return answer.status_code, answer.json()

    def until_ready(self) -> "Adapter":
        until(lambda: self.ready()[0] == 200, what="the server behind the adapter is ready")
        return self

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.work / "heard").read_text().splitlines()]

    def lines(self) -> list[dict[str, Any]]:
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def children(self) -> list[int]:
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @contextlib.asynccontextmanager
    async def caller(self) -> AsyncIterator[Any]:
        headers = {"Authorization": f"Bearer {KEY}"}
        base = f"http://127.0.0.1:{self.port}"
        async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=60) as http:
            yield wire.Wire(http)

    @contextlib.asynccontextmanager
    async def client(self, mode: str = "auto", **more: Any) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"http://127.0.0.1:{self.port}/mcp"
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode, **more) as client,
        ):
            yield client

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(15)


def until(condition: Callable[[], bool], seconds: float = 45.0, what: str = "the condition") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_adapter(tmp_path: Path) -> Iterator[Callable[..., Adapter]]:
    made: list[Adapter] = []

    def make(options: dict[str, Any], secrets: dict[str, str] | None = None, **environment: str) -> Adapter:
        made.append(Adapter(tmp_path / str(len(made)), options, secrets))
        return made[-1].start(**environment)

    yield make
    for adapter in made:
        if adapter.process is not None and adapter.process.poll() is None:
            adapter.stop(signal.SIGKILL)


@pytest.fixture(params=["2024-11-05", "2025-11-25"])
def adapter(request: pytest.FixtureRequest, make_adapter: Callable[..., Adapter]) -> Adapter:
    """In front of a program of an older revision."""
    return make_adapter({"command": [sys.executable, str(PROGRAM), request.param]}).until_ready()


@pytest.fixture
def one(make_adapter: Callable[..., Adapter]) -> Adapter:
    """In front of a program of 2025-11-25."""
    return make_adapter({"command": [sys.executable, str(PROGRAM)]}).until_ready()

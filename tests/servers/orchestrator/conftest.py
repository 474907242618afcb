"""Real processes: servers, and the orchestrator in front of them, on free ports of 127.0.0.1."""

import asyncio
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

REPOSITORY = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("backend_program.py")
ERRATIC = Path(__file__).with_name("erratic_backend.py")
CLIENT_KEY = "dgk_client-key-of-these-tests-000000000000000000"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def key_entry(raw: str, key_id: str = "default", **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(raw.encode()).hexdigest()
    entry = {"id": key_id, "sha256": digest, "scopes": ["*"], "created": "2026-01-01T00:00:00Z"}
    return {**entry, "expires": None, **more}


def write_keys(folder: Path, raw: str, key_id: str = "default", *others: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    keys = [key_entry(raw, key_id), *others]
    (folder / "fresh").write_text(json.dumps({"version": 1, "keys": keys}))
    (folder / "fresh").rename(folder / "api-keys.json")


def wait_until(condition: Callable[[], bool], seconds: float = 45.0, what: str = "the condition") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.01)


class Process:
    """A server process that can be killed and started again at the same port."""

    def __init__(self, name: str, folder: Path, argv: list[str]) -> None:
        self.name, self.folder, self.argv = name, folder, argv
        self.port = free_port()
        self.key = f"dgk_{name}-key-of-these-tests-0000000000000000000000"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        self.entry: dict[str, Any] = {}
        for part in ("config", "secrets"):
            (folder / part).mkdir(parents=True)

    def start(self, *, wait: bool = True, **environment: str) -> None:
        rooms = ("common", "orchestrator", "main")
        room = [str(REPOSITORY / "server_images" / name / "src") for name in rooms]
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(room),
            "DOCGEN_SERVER": self.name,
            "DOCGEN_BIND": "127.0.0.1",
            "DOCGEN_PORT": str(self.port),
            "DOCGEN_CONFIG_DIR": str(self.folder / "config"),
            "DOCGEN_SECRETS_DIR": str(self.folder / "secrets"),
            **self.environment,
            **environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.argv], env=environ, stdout=log, stderr=log)
        if wait:
            self.wait()

    def wait(self) -> None:
        wait_until(self.answers, what=f"{self.name} answers")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False

    def stop(self, sign: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(15)

    def lines(self) -> list[dict[str, Any]]:
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"


class Stack:
    """Servers by name, and an orchestrator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: dict[str, Process] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.orchestrator = Process("orchestrator", folder / "orchestrator", ["-m", "docgen_orchestrator"])
        write_keys(self.orchestrator.folder / "secrets", CLIENT_KEY)

    def add(
        self,
        name: str,
        *tools: str,
        prefix: str | None = None,
        timeout_s: float = 30,
        host: str = "127.0.0.1",
        scheme: str = "http",
        policy: dict[str, Any] | None = None,
        resources: dict[str, Any] | None = None,
        prompts: dict[str, Any] | None = None,
    ) -> Process:
        argv = [str(PROGRAM), prefix or name, *tools]
        server = Process(name, self.folder / name, argv)
        self.join(server, prefix or name, timeout_s, f"{scheme}://{host}")
        server.entry["tools"] = policy or {}
        server.entry["resources"] = resources or {}
        server.entry["prompts"] = prompts or {}
        return server

    def add_erratic(self, name: str, *, timeout_s: float = 30) -> Process:
        """A server by hand, which answers in every way there is and can be told to misbehave."""
        return self.join(Process(name, self.folder / name, [str(ERRATIC), name]), name, timeout_s)

    def add_main(self, workspace: Path) -> Process:
        """The main server as it is, on ``workspace``, with data that outlives its process."""
        server = self.join(Process("main", self.folder / "main", ["-m", "docgen_main"]), "docs")
        (workspace / "docs/generated").mkdir(parents=True, exist_ok=True)
        for folder in ("data", "scratch"):
            (server.folder / folder).mkdir()
        server.environment = {
            "DOCGEN_WORKSPACE": str(workspace),
            "DOCGEN_DATA": str(server.folder / "data"),
            "DOCGEN_SCRATCH": str(server.folder / "scratch"),
        }
        return server

    def join(
        self, server: Process, prefix: str, timeout_s: float = 30, base: str = "http://127.0.0.1"
    ) -> Process:
        name = server.name
        write_keys(server.folder / "secrets", server.key, f"upstream-{name}")
        (self.orchestrator.folder / "secrets" / f"upstream-{name}").write_text(server.key + "\n")
        self.servers[name] = server
        server.entry = {
            "url": f"{base}:{server.port}/mcp",
            "key_secret": f"upstream-{name}",
            "tool_prefixes": [f"{prefix}_"],
            "resource_schemes": [prefix],
            "timeout_s": timeout_s,
            "events_url": f"{base}:{server.port}/events",
        }
        return server

    def write_routing(self) -> None:
        """What the servers' entries and ``endpoints`` say, as one switch, like a renamed link is."""
        servers = {name: server.entry for name, server in self.servers.items()}
        document = {"version": 1, "servers": servers, "endpoints": self.endpoints}
        file = self.orchestrator.folder / "config" / "routing.yaml"
        written = file.with_suffix(".new")
        written.write_text(json.dumps(document))
        written.replace(file)

    def up(self, *without: str, **environment: str) -> "Stack":
        self.write_routing()
        started = [server for name, server in self.servers.items() if name not in without]
        for server in started:
            server.start(wait=False)
        for server in started:
            server.wait()
        self.orchestrator.start(**environment)
        return self

    def http(self, **headers: str) -> httpx2.Client:
        base = f"http://127.0.0.1:{self.orchestrator.port}"
        return httpx2.Client(
            base_url=base, headers={"Authorization": f"Bearer {CLIENT_KEY}", **headers}, trust_env=False
        )

    @contextlib.asynccontextmanager
    async def client(
        self, mode: str = "auto", path: str = "/mcp", headers: dict[str, str] | None = None, **more: Any
    ) -> AsyncIterator[Client]:
        url = f"http://127.0.0.1:{self.orchestrator.port}{path}"
        sent = {"Authorization": f"Bearer {CLIENT_KEY}", **(headers or {})}
        async with (
            httpx2.AsyncClient(headers=sent, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode, **more) as client,
        ):
            yield client

    def close(self) -> None:
        for process in (self.orchestrator, *self.servers.values()):
            if process.process is not None and process.process.poll() is None:
                process.stop()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[[], Stack]]:
    stacks: list[Stack] = []

    def make() -> Stack:
        stacks.append(Stack(tmp_path / str(len(stacks))))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two healthy servers, red and blue, for the tests that break nothing."""
    shared = Stack(tmp_path_factory.mktemp("stack"))
    shared.add("red")
    shared.add("blue")
    try:
        yield shared.up()
    finally:
        shared.close()


def write_modules(workspace: Path, prefix: str) -> None:
    """More than a second of work: facts of files that have not been seen yet are in no cache."""
    for number in range(400):
        package = workspace / f"p{number:03}"
        package.mkdir(parents=True, exist_ok=True)
        functions = (
            f'def {prefix}{number}_{n}(a: int, b: str = "x") -> None:\n    """Does {n}."""\n\n'
            for n in range(60)
        )
        (package / "__init__.py").write_text("".join(functions))


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The main server, with more than a second of work in its workspace, and red, behind an orchestrator."""
    folder = tmp_path_factory.mktemp("documents")
    write_modules(folder / "workspace", "f")
    shared = Stack(folder / "stack")
    shared.add_main(folder / "workspace")
    shared.add("red")
    try:
        yield shared.up()
    finally:
        shared.close()


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """Both protocol eras of the official client: 2026-07-28 and 2025-11-25."""
    return str(request.param)


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)

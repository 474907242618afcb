"""`docgenctl mcp` as a child, in front of a real SDK server that tests may stop, move and start again."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from docgenctl.certificates import ensure_gateway_certificate
from docgenctl.configuration.project_identity import project_id
from docgenctl.secrets import new_api_key

REPOSITORY = Path(__file__).parents[4]
WAIT_S = 20


class Home:
    """A project with its state directory, and the server that stands for its stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.base = folder / "state"
        self.state = self.base / project_id(self.workspace)
        self.base.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700)
        self.process: subprocess.Popen[str] | None = None
        self.pipes: list[Pipe] = []
        self.port = 0
        self.renew_key()
        self.renew_certificate()

    def renew_key(self) -> None:
        (self.state / "api-key").write_bytes(new_api_key().reveal_bytes() + b"\n")

    def renew_certificate(self) -> None:
        """With a new authority when the old one is gone."""
        ensure_gateway_certificate(self.state, [], "development", datetime.now(UTC), project="test")

    def start(self, port: int = 0, key_file: Path | None = None) -> None:
        """`key_file` holds the key that the server takes, the stack's own unless it is said."""
        program, taken = Path(__file__).with_name("server_program.py"), key_file or self.state / "api-key"
        argv = [sys.executable, program, self.state / "gateway.pem", taken, str(port)]
        path = [str(REPOSITORY), str(REPOSITORY / "server_images/common/src")]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        self.process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.remember(self.port)

    def remember(self, port: int) -> None:
        """As `up` does: the file is replaced."""
        fresh = self.state / ".state.json.new"
        fresh.write_text(json.dumps({"version": 1, "ports": {"orchestrator": port}}))
        fresh.chmod(0o600)
        fresh.rename(self.state / "state.json")

    def leave(self) -> None:
        """End all that is left: the server, and bridges that a test which failed did not come to end."""
        self.stop()
        for pipe in self.pipes:
            if pipe.process.poll() is None:
                pipe.process.kill()
                pipe.end()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "docgenctl", "mcp", *more, "--project-dir", str(self.workspace)]

    @property
    def environ(self) -> dict[str, str]:
        """As little as clients give."""
        return {"DOCGENCTL_STATE_DIR": str(self.base), "PYTHONPATH": str(REPOSITORY)}

    def parameters(self) -> StdioServerParameters:
        command, *args = self.command()
        return StdioServerParameters(command=command, args=args, env=self.environ, cwd="/")

    def pipe(self, *more: str) -> "Pipe":
        self.pipes.append(Pipe(self.command(*more), self.environ))
        return self.pipes[-1]


class Pipe:
    """A client that speaks line by line, to see exactly what comes back."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environ,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.log: list[str] = []
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._ids = iter(range(1, 10**6))
        # Nothing may keep the whole run from its end, not even a bridge that nobody ended.
        reading = (self._read, self._read_log)
        self._readers = [threading.Thread(target=read, daemon=True) for read in reading]
        for reader in self._readers:
            reader.start()

    def send(self, message: Any) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        line = self._lines.get(timeout=WAIT_S)
        assert line is not None, f"it closed its output; {self.log}"
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return dict(message)

    def until(self, method: str) -> dict[str, Any]:
        """The next message of that method, those before it are passed over."""
        while (message := self.receive()).get("method") != method:
            pass
        return message

    def until_all(self, *wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """What came until each of these was met, in whatever order: answers and streams do not wait."""
        came, missing = [], list(wanted)
        while missing:
            came.append(self.receive())
            missing = [meets for meets in missing if not meets(came[-1])]
        return came

    def left(self) -> list[dict[str, Any]]:
        """What came by its end and was not received."""
        self.end()
        lines = iter(self._lines.get, None)
        return [json.loads(line) for line in lines]

    def ask(self, method: str, params: Any = None, **more: Any) -> dict[str, Any]:
        """Request and response; notifications before the response are passed over."""
        identity = more.pop("id", None) or next(self._ids)
        self.send({"jsonrpc": "2.0", "id": identity, "method": method, "params": params or {}, **more})
        while (message := self.receive()).get("id") != identity:
            assert "method" in message, message
        return message

    def tell(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def initialize(self, version: str = "2025-11-25", **capabilities: Any) -> dict[str, Any]:
        client = {"name": "by hand", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": client}
        answer = self.ask("initialize", params)
        self.tell("notifications/initialized")
        return dict(answer["result"])

    def call(self, name: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
        return self.ask("tools/call", {"name": name, "arguments": arguments or {}, **more})

    def end(self) -> int:
        """Close its input, wait for its end; the exit code."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(WAIT_S)
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(os.fsdecode(line).rstrip())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One server for all tests of a file that leave it as it was."""
    home = Home(tmp_path_factory.mktemp("shared"))
    home.start()
    yield home
    home.leave()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Home]:
    """A project of a test's own; its server is not started yet."""
    home = Home(tmp_path)
    yield home
    home.leave()


@pytest.fixture
def pipe(shared: Home) -> Iterator[Pipe]:
    pipe = shared.pipe()
    yield pipe
    if pipe.process.poll() is None:
        pipe.process.kill()
    pipe.end()

"""Servers in processes of their own, for benchmarks of single calls; no engine needed."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY = "dgk_benchmark-0000000000000000000000000000000000000"
ROOT = Path(__file__).parents[1]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass
class Process:
    """A server that answers on `port` of 127.0.0.1."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """The CPU time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self) -> int:
        """Its resident memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def message_of(tool: str, arguments: dict[str, object], port: int) -> bytes:
    """The bytes of one tool call on the 2026-07-28 wire."""
    params = {"name": tool, "arguments": arguments, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    lines = [
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


@contextlib.contextmanager
def main_server(folder: Path, workspace: Path) -> Iterator[Process]:
    """`main` as it is in its container, but for the container."""
    for name in ("secrets", "config", "data", "scratch"):
        (folder / name).mkdir(exist_ok=True)
    (workspace / "docs/generated").mkdir(parents=True, exist_ok=True)
    key = {
        "id": "default",
        "sha256": hashlib.sha256(KEY.encode()).hexdigest(),
        "scopes": ["*"],
        "expires": None,
    }
    (folder / "secrets/api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
    environ = {
        "DOCGEN_SERVER": "main",
        "DOCGEN_WORKSPACE": str(workspace),
        "DOCGEN_SECRETS_DIR": str(folder / "secrets"),
        "DOCGEN_CONFIG_DIR": str(folder / "config"),
        "DOCGEN_DATA": str(folder / "data"),
        "DOCGEN_SCRATCH": str(folder / "scratch"),
    }
    with _started([sys.executable, "-m", "docgen_main"], environ, folder / "main.log") as process:
        yield process


@contextlib.contextmanager
def bare_server(folder: Path, workspace: Path) -> Iterator[Process]:
    """The official SDK's own application with one tool that reads a file."""
    program = Path(__file__).with_name("_bare_server.py")
    environ = {"BARE_WORKSPACE": str(workspace)}
    with _started([sys.executable, str(program)], environ, folder / "bare.log") as process:
        yield process


@contextlib.contextmanager
def _started(argv: list[str], environ: dict[str, str], log: Path) -> Iterator[Process]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sources = os.pathsep.join(str(ROOT / "server_images" / name / "src") for name in ("common", "main"))
    own = {**os.environ, "PYTHONPATH": sources, "DOCGEN_PORT": str(port), **environ}
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=own, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield Process(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a server did not start:\n{log.read_text()}")
        time.sleep(0.05)

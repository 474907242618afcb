"""Servers in processes of their own, for benchmarks of single calls; no engine needed."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from _processes import Process, free_port, python_program, server_sources, started

KEY = "dgk_benchmark-0000000000000000000000000000000000000"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


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
    port = free_port()
    environ |= {"DOCGEN_PORT": str(port), "PYTHONPATH": server_sources()}
    with started([sys.executable, "-m", "docgen_main"], port, folder / "main.log", environ) as process:
        yield process


@contextlib.contextmanager
def bare_server(folder: Path, workspace: Path) -> Iterator[Process]:
    """The official SDK's own application with one tool that reads a file."""
    port = free_port()
    environ = {"BARE_WORKSPACE": str(workspace), "DOCGEN_PORT": str(port)}
    with started(python_program("_bare_server.py"), port, folder / "bare.log", environ) as process:
        yield process

"""The orchestrator in this process, so that what reaches its application can be seen; servers beside it."""

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from docgen_common.keys import FILE_NAME
from docgen_common.serve import Server, server_config
from docgen_common.settings import ServerSettings
from docgen_orchestrator.application import build
from starlette.types import Receive, Scope, Send

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Watched:
    """The orchestrator's application, and the paths of the requests that it got to see."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state = app.state
        self.routes = app.routes
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append(scope["path"])
        await self.app(scope, receive, send)


def message(name: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ``tools/call``; ``more`` replaces members of it."""
    params = {"name": name, "arguments": arguments, "_meta": META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params, **more}


def headers_for(body: dict[str, Any]) -> dict[str, str]:
    """The header lines that a client of 2026-07-28 sends with ``body``."""
    name = body["params"].get("name") if body["method"] == "tools/call" else None
    return {
        "Authorization": f"Bearer {CLIENT_KEY}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": body["method"],
        **({"Mcp-Name": name} if name else {}),
    }


@dataclass
class Here:
    """The orchestrator under test."""

    app: Watched
    port: int
    http: httpx2.AsyncClient
    folder: Path
    servers: Stack
    config: Any = None

    async def call(
        self, name: str, arguments: dict[str, Any], *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx2.Response:
        return await self.post(message(name, arguments, **more), headers)

    async def post(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self.http.post("/mcp", json=body, headers={**headers_for(body), **(headers or {})})

    def raw(self) -> bool:
        """Whether nothing reached the application since the last time this was asked."""
        seen, self.app.seen = self.app.seen, []
        return not seen

    def write_key(self, **more: Any) -> None:
        key = {"id": "default", "sha256": hashlib.sha256(CLIENT_KEY.encode()).hexdigest(), **more}
        temporary = self.folder / "secrets" / "new"
        temporary.write_text(json.dumps({"version": 1, "keys": [key]}))
        temporary.rename(self.folder / "secrets" / FILE_NAME)


@pytest.fixture
def endpoints() -> dict[str, Any]:
    """Named endpoints, for tests that have some."""
    return {}


@pytest.fixture
async def here(stack: Stack, tmp_path: Path, endpoints: dict[str, Any]) -> AsyncIterator[Here]:
    """Red and blue behind an orchestrator in this process."""
    folder = tmp_path / "here"
    (folder / "config").mkdir(parents=True)
    (folder / "secrets").mkdir()
    servers = {name: server.entry for name, server in stack.servers.items()}  # type: ignore[attr-defined]
    routing = {"version": 1, "servers": servers, "endpoints": endpoints}
    (folder / "config" / "routing.yaml").write_text(json.dumps(routing))
    for name, server in stack.servers.items():
        (folder / "secrets" / f"upstream-{name}").write_text(server.key)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=60, limits=limits) as http:
            here = Here(None, port, http, folder, stack)  # type: ignore[arg-type]
            here.write_key()
            settings = ServerSettings.from_environment(
                {
                    "DOCGEN_SERVER": "orchestrator",
                    "DOCGEN_CONFIG_DIR": str(folder / "config"),
                    "DOCGEN_SECRETS_DIR": str(folder / "secrets"),
                }
            )
            here.app = Watched(build(settings))
            here.config = server_config(here.app, settings)
            server = Server(here.config)
            serving = asyncio.create_task(server.serve([listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            await until_offered(http)
            here.raw()
            yield here
            server.should_exit = True
            await serving


async def until_offered(http: httpx2.AsyncClient) -> None:
    """Until both servers told what they offer."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    async with asyncio.timeout(30):
        while True:
            answer = await http.post("/mcp", json=body, headers=headers_for(body))
            names = {tool["name"] for tool in answer.json().get("result", {}).get("tools", [])}
            if {"red_echo", "blue_echo"} <= names:
                return
            await asyncio.sleep(0.02)

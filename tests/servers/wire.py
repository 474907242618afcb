"""The 2026-07-28 wire by hand, for what the official client does not speak."""

import asyncio
import itertools
import json
from typing import Any

import httpx2

VERSION = "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ids = itertools.count(1)


def message(
    method: str, params: dict[str, Any] | None = None, *, capabilities: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A request with its envelope; the caller knows tasks unless ``capabilities`` say otherwise."""
    known = {"extensions": {TASKS: {}}} if capabilities is None else capabilities
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": known,
    }
    params = dict(params or {})
    params["_meta"] = {**meta, **params.get("_meta", {})}
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}


def headers(request: dict[str, Any], **more: str) -> dict[str, str]:
    """What mirrors ``request`` on the wire."""
    method, params = request["method"], request["params"]
    name = params.get("taskId") if method.startswith("tasks/") else params.get(NAMED_BY.get(method, ""))
    return {
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": method,
        "Accept": "application/json, text/event-stream",
        **({"Mcp-Name": name} if name is not None else {}),
        **more,
    }


class Wire:
    """A caller: sends one request, gives the message that answers it."""

    def __init__(self, http: httpx2.AsyncClient, path: str = "/mcp") -> None:
        self.http, self.path = http, path

    async def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        more: dict[str, str] | None = None,
        **kw: Any,
    ) -> dict[str, Any]:
        request = message(method, params, **kw)
        answer = await self.http.post(self.path, json=request, headers=headers(request, **(more or {})))
        if answer.headers["content-type"].startswith("text/event-stream"):
            lines = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")]
            return next(found for found in map(json.loads, lines) if "method" not in found)
        found: dict[str, Any] = answer.json()
        return found

    async def result(self, method: str, params: dict[str, Any] | None = None, **kw: Any) -> dict[str, Any]:
        """The result; fails on an error."""
        found = await self.ask(method, params, **kw)
        assert "result" in found, found
        result: dict[str, Any] = found["result"]
        return result

    async def error(self, method: str, params: dict[str, Any] | None = None, **kw: Any) -> dict[str, Any]:
        """The error; fails on a result."""
        found = await self.ask(method, params, **kw)
        assert "error" in found, found
        error: dict[str, Any] = found["error"]
        return error

    async def call(self, tool: str, arguments: dict[str, Any] | None = None, **kw: Any) -> dict[str, Any]:
        """The result of a tool call, whatever its type."""
        return await self.result("tools/call", {"name": tool, "arguments": arguments or {}}, **kw)

    async def until(self, task_id: str, *statuses: str, seconds: float = 10) -> dict[str, Any]:
        """The task once it has one of ``statuses``."""
        async with asyncio.timeout(seconds):
            while True:
                task = await self.result("tasks/get", {"taskId": task_id})
                if task["status"] in statuses:
                    return task
                await asyncio.sleep(0.01)

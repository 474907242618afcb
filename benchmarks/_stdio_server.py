"""Two servers over stdin and stdout for `adapter.py`: `bare`, a floor, and `sdk`, as most are written."""

import json
import sys
from typing import Any

ECHO = {"name": "echo", "description": "Says it again.", "inputSchema": {"type": "object"}}


def result(message: dict[str, Any]) -> dict[str, Any] | None:
    """What the bare server answers; None for methods that it does not know."""
    params = message.get("params", {})
    if message["method"] == "initialize":
        server = {"name": "bare", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": server}
    if message["method"] == "tools/list":
        return {"tools": [ECHO]}
    if message["method"] == "tools/call":
        return {"content": [{"type": "text", "text": params["arguments"]["text"]}]}
    return {} if message["method"] == "ping" else None


def bare() -> None:
    """Answer line by line."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        found = result(message)
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        answer |= unknown if found is None else {"result": found}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def sdk() -> None:
    """The official SDK's own."""
    from mcp.server import MCPServer

    server = MCPServer("sdk", log_level="ERROR")

    @server.tool(description="Says it again.", structured_output=False)
    async def echo(text: str) -> str:
        return text

    server.run("stdio")


if __name__ == "__main__":
    {"bare": bare, "sdk": sdk}[sys.argv[1]]()

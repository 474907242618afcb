"""A server of somebody else, on the official SDK: over TLS with a key the outside, without it an image.

`foreign_server.py PORT [CERTIFICATE KEY TOKEN]`; with `--old` it knows only revisions with sessions. It says
what reaches it: one line a request, with its path and whether the key was right.
"""

import asyncio
import os
import sys
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("foreign")


@server.tool(description="Says it again.")
async def foreign_echo(say: str) -> str:
    """Echo."""
    return say


@server.tool(description="Counts to a number, one step in a tenth of a second.")
async def foreign_count(to: int, ctx: Context[Any, Any]) -> int:
    """Count with progress."""
    for number in range(1, to + 1):
        await asyncio.sleep(0.1)
        await ctx.report_progress(number, to)
    return to


@server.tool(description="Says which of the variables it has.")
async def foreign_variables(names: list[str]) -> dict[str, bool]:
    """Tell what is set."""
    return {name: name in os.environ for name in names}


class Guarded:
    """Asks for the key, and leads away from `/moved`, to where MOVED_TO says."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"").decode()
        right = not self._token or given == f"Bearer {self._token}"
        sys.stdout.write(f"REQUEST {scope['path']} {'right' if right else 'wrong'}\n")
        sys.stdout.flush()
        if scope["path"] == "/moved":
            await RedirectResponse(os.environ["MOVED_TO"], 307)(scope, receive, send)
        elif not right:
            await JSONResponse({"error": "no"}, status_code=401)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def main() -> None:
    """Serve until SIGTERM."""
    words = [word for word in sys.argv[1:] if word != "--old"]
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(stateless_http="--old" not in sys.argv, transport_security=security)
    certificate, key, token = words[1:4] if len(words) > 1 else (None, None, "")
    config = uvicorn.Config(
        Guarded(app, token),
        host="0.0.0.0",
        port=int(words[0]),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=1,
        log_level="warning",
    )
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()

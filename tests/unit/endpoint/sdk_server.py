"""A server on the official SDK behind TLS and a key, for tests of our client: run as a program.

Arguments: certificate with key, API key, directory for signals. Prints its port, then serves.
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ListToolsResult, PaginatedRequestParams, Tool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

CERTIFICATE, KEY, SIGNALS = sys.argv[1], sys.argv[2], Path(sys.argv[3])
server = MCPServer("fixture", version="9.9")
winded: set[str] = set()


async def signalled(name: str) -> None:
    while not (SIGNALS / name).exists():
        await asyncio.sleep(0.01)


@server.tool(description="Gives the text back.")
def echo(text: str) -> str:
    return text


@server.tool(name="grüße", description="Has a name beyond ASCII.")
def greet() -> str:
    return "hallo"


@server.tool(description="Reports each step, and goes on when told that the report arrived.")
async def steps(count: int, ctx: Context[Any, Any]) -> str:
    for number in range(1, count + 1):
        await ctx.report_progress(number, count, f"step {number}")
        await signalled(f"seen-{number}")
    return "done"


@server.tool(description="Fails on purpose.")
def fail() -> str:
    raise ToolError("no such \x1b[31mluck")


@server.tool(description="Fails once for each name, and works from then on.")
def second_wind(name: str) -> str:
    if name not in winded:
        winded.add(name)
        raise ToolError("out of breath")
    return "well"


@server.tool(description="Never answers.")
async def hang(ctx: Context[Any, Any]) -> str:
    try:
        await ctx.report_progress(0, 1, "hanging")
        await signalled("never")
    finally:
        (SIGNALS / "cancelled").touch()
    return "never"


@server.resource("docs://{name}", description="A document.", mime_type="text/markdown")
def document(name: str) -> str:
    return f"# {name}"


@server.resource("docs://binary/data", description="Bytes.", mime_type="application/octet-stream")
def binary() -> bytes:
    return b"\x00\xff"


async def list_pages(ctx: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
    page = int(params.cursor) if params and params.cursor else 0
    tools = [Tool(name=f"tool-{page}", description="One of many.", input_schema={"type": "object"})]
    return ListToolsResult(tools=tools, next_cursor=str(page + 1) if page < 2 else None)


async def list_for_ever(ctx: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[], next_cursor="again")


@server.custom_route("/health", methods=["GET"])
async def health(request: Request) -> Response:
    assert request.client is not None
    return JSONResponse({"status": "ok", "peer": request.client.port})


@server.custom_route("/health/ready", methods=["GET"])
async def ready(request: Request) -> Response:
    if (SIGNALS / "ready").exists():
        return JSONResponse({"status": "ready", "checks": {"main": {"ok": True}}})
    (SIGNALS / "asked").touch()
    checks = {"main": {"ok": True}, "github": {"ok": False}}
    return JSONResponse({"status": "degraded", "checks": checks}, status_code=503)


class Door:
    """Asks for the key, and sends each path to its server."""

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        self.apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith("/health"):
            return await self.apps["/mcp"](scope, receive, send)
        headers = dict(scope["headers"])
        correlated = {"X-Correlation-ID": "abc-123"}
        if headers.get(b"authorization") != b"Bearer " + KEY.encode():
            return await PlainTextResponse("unauthorized", 401, correlated)(scope, receive, send)
        status = {"/busy": 429, "/down": 503, "/large": 413, "/closed": 403, "/mcp/gone": 404}.get(
            scope["path"]
        )
        if status is not None:
            more = correlated | {"Retry-After": "7"}
            return await PlainTextResponse("no", status, more)(scope, receive, send)
        return await self.apps[scope["path"]](scope, receive, send)


async def main() -> None:
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    lists = {"/paged": list_pages, "/endless": list_for_ever}
    apps: dict[str, Any] = {"/mcp": server.streamable_http_app()}
    for path, handler in lists.items():
        apps[path] = Server(path, on_list_tools=handler).streamable_http_app(streamable_http_path=path)
    config = uvicorn.Config(
        Door(apps), ssl_certfile=CERTIFICATE, log_level="warning", timeout_keep_alive=1, lifespan="on"
    )
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the test waits for this line
    async with apps["/paged"].router.lifespan_context(None), apps["/endless"].router.lifespan_context(None):
        await uvicorn.Server(config).serve(sockets=[listener])


asyncio.run(main())

"""A server on the official SDK behind TLS and a key, with all that a bridge has to carry: run as a program.

Arguments: certificate with key, file with the API key, port (0: any). Prints its port, then serves.
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests import task_tools

CERTIFICATE, KEY_FILE, PORT = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
server = MCPServer("fixture", version="9.9", extensions=[task_tools.extension()])
task_tools.add(server)
cancelled: list[str] = []


class Answer(BaseModel):
    """What the person said."""

    colour: str


def ask_colour() -> Elicit[Answer]:
    return Elicit(message="Which colour?", schema=Answer)


@server.tool(description="Gives the text back.")
def echo(text: str) -> str:
    return text


@server.tool(description="Reports each step.")
async def steps(count: int, label: str, ctx: Context[Any, Any]) -> str:
    for number in range(1, count + 1):
        await ctx.report_progress(number, count, label)
        await asyncio.sleep(0.005)
    return label


@server.tool(description="Never answers.")
async def hang(label: str, ctx: Context[Any, Any]) -> str:
    await ctx.report_progress(0, 1, "hanging")
    try:
        await asyncio.sleep(600)
    finally:
        cancelled.append(label)
    return "never"


@server.tool(description="Which calls were cancelled.")
def cancellations() -> list[str]:
    return cancelled


@server.tool(description="Asks a person.")
async def ask(answer: Annotated[Answer, Resolve(ask_colour)]) -> str:
    return f"chose {answer.colour}"


@server.tool(description="Asks a model and for the roots.", structured_output=False)
async def ask_more(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    answers = ctx.input_responses or {}
    if set(answers) >= {"model", "roots"}:
        model, roots = answers["model"], answers["roots"]
        assert isinstance(model, CreateMessageResult)
        assert isinstance(roots, ListRootsResult)
        return f"{model.model} sees {[str(root.uri) for root in roots.roots]}"
    message = SamplingMessage(role="user", content=TextContent(text="hello"))
    return InputRequiredResult(
        input_requests={
            "model": CreateMessageRequest(
                params=CreateMessageRequestParams(messages=[message], max_tokens=10)
            ),
            "roots": ListRootsRequest(),
        }
    )


@server.tool(description="Changes the list of tools and a resource.")
async def change(name: str, ctx: Context[Any, Any]) -> str:
    server.add_tool(lambda: name, name=name, description="New.")
    await ctx.notify_tools_changed()
    await ctx.notify_resource_updated("docs://one")
    return "changed"


@server.tool(description="A long text.")
def long(size: int) -> str:
    return "ä" * size


@server.tool(description="Wants its arguments in headers, too.")
def mirrored(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    many: Annotated[int, Field(json_schema_extra={"x-mcp-header": "Many"})],
    ctx: Context[Any, Any],
) -> dict[str, str]:
    request = ctx.request_context.request
    assert isinstance(request, Request)
    return {name: value for name, value in request.headers.items() if name.startswith("mcp-param-")}


@server.tool(description="What the envelope says of the client.", structured_output=False)
def who(ctx: Context[Any, Any]) -> str:
    meta = dict(ctx.request_context.meta or {})
    return str(meta)


@server.resource("docs://one", description="A document.", mime_type="text/markdown")
def one() -> str:
    return "# One"


@server.prompt(description="A prompt.")
def greeting(name: str) -> str:
    return f"Greet {name}"


class Door:
    """Asks for the key that is in the file now."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if given != b"Bearer " + KEY_FILE.read_bytes().strip():
                return await JSONResponse({"error": {"code": "unauthorized"}}, 401)(scope, receive, send)
            if scope["path"] == "/mcp/closed":
                error = {"code": -32003, "message": "not with this key"}
                refused = {"jsonrpc": "2.0", "id": None, "error": error}
                return await JSONResponse(refused, 403)(scope, receive, send)
            if scope["path"] == "/mcp/busy":
                return await PlainTextResponse("no", 429, {"Retry-After": "7"})(scope, receive, send)
            if scope["path"] == "/mcp/garbage":
                return await PlainTextResponse("{nothing", 200)(scope, receive, send)
        return await self.app(scope, receive, send)


async def main() -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    config = uvicorn.Config(
        Door(server.streamable_http_app()),
        ssl_certfile=CERTIFICATE,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the test waits for this line
    await uvicorn.Server(config).serve(sockets=[listener])


asyncio.run(main())

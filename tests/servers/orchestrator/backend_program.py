"""A small real MCP server for the orchestrator's tests: ``python backend_program.py PREFIX [TOOL…]``.

It offers ``PREFIX_echo`` and friends, and a tool for each further argument. Cancelled calls leave a log line.
"""

import asyncio
import os
import sys
from typing import Annotated

from docgen_common.app import create_app
from docgen_common.event_stream import EventStream
from docgen_common.request_state import request_state_security
from docgen_common.serve import run
from docgen_common.settings import ServerSettings
from docgen_main.events import Hub
from docgen_main.events.source import event_source
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.server.mcpserver.resources import TextResource
from mcp_types import Completion, ToolAnnotations
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request

READS = ToolAnnotations(read_only_hint=True)


class Answer(BaseModel):
    """What the person said."""

    colour: str


def ask_colour() -> Elicit[Answer]:
    return Elicit(message="Which colour?", schema=Answer)


def build(settings: ServerSettings) -> Starlette:  # noqa: C901 - a list of tools
    prefix, *more = sys.argv[1:]
    mcp = MCPServer(prefix, version="7", request_state_security=request_state_security(settings))

    @mcp.tool(name=f"{prefix}_echo", description="Says it again.", annotations=READS)
    async def echo(text: str) -> str:
        return text

    @mcp.tool(name=f"{prefix}_pid", description="Which process this is.", annotations=READS)
    async def pid() -> int:
        return os.getpid()

    @mcp.tool(name=f"{prefix}_count", description="Counts with progress.")
    async def count(steps: int, label: str, ctx: Context) -> str:
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, label)
            await asyncio.sleep(0.01)
        return label

    @mcp.tool(name=f"{prefix}_wait", description="Waits until cancelled.")
    async def wait(label: str, ctx: Context) -> str:
        await ctx.report_progress(0, None, "waiting")
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            sys.stdout.write(f"cancelled {label}\n")
            sys.stdout.flush()
            raise
        return "never"

    @mcp.tool(name=f"{prefix}_big", description="Many characters.")
    async def big(size: int) -> str:
        return "x" * size

    @mcp.tool(name=f"{prefix}_headers", description="The names and values of the request's headers.")
    async def headers(ctx: Context) -> dict[str, str]:
        request = ctx.request_context.request
        assert isinstance(request, Request)
        return dict(request.headers)

    @mcp.tool(name=f"{prefix}_meta", description="The request's envelope.")
    async def meta(ctx: Context) -> dict[str, object]:
        return dict(ctx.request_context.meta or {})

    @mcp.tool(name=f"{prefix}_ask", description="Asks the person first.")
    async def ask(answer: Annotated[Answer, Resolve(ask_colour)]) -> str:
        return f"chose {answer.colour}"

    @mcp.tool(name=f"{prefix}_publish", description="Makes a resource.")
    async def publish(name: str, ctx: Context) -> str:
        mcp.add_resource(
            TextResource(uri=f"{prefix}://made/{name}", name=name, description="Made.", text=name)
        )
        await ctx.notify_resources_changed()
        return name

    @mcp.tool(name=f"{prefix}_touch", description="Changes a resource.")
    async def touch(uri: str, ctx: Context) -> str:
        await ctx.notify_resource_updated(uri)
        return uri

    for name in more:

        @mcp.tool(name=name, description=os.environ.get("TOOL_DESCRIPTION", "Whose tool this is."))
        async def mine() -> str:
            return prefix

    @mcp.resource(f"{prefix}://fixed", description="A text.")
    async def fixed() -> str:
        return f"fixed of {prefix}"

    @mcp.resource(prefix + "://things/{name}", description="A thing.")
    async def thing(name: str) -> str:
        return f"thing {name} of {prefix}"

    @mcp.prompt(name=f"{prefix}_prompt", description=os.environ.get("PROMPT_DESCRIPTION", "A prompt."))
    async def prompt(topic: str) -> str:
        return f"Write about {topic}"

    @mcp.completion()
    async def complete(ref: object, argument: object, context: object) -> Completion:
        return Completion(values=[f"{prefix}-one", f"{prefix}-two"])

    hub = Hub(kept=5)

    @mcp.tool(name=f"{prefix}_happen", description="Lets something happen.")
    async def happen(label: str, owner: str | None = None) -> int:
        return hub.publish("file.written", owner=owner, path=label).id

    return create_app(mcp, settings, events=EventStream(event_source(hub)))


sys.exit(run(build))

"""Tools whose calls become tasks at once, for servers that tests start: work in steps, a question, no end.

Nothing here takes time by itself. Work waits until somebody lets it go on, so a client sees it on its way
however seldom it looks.
"""

import asyncio
from collections import defaultdict
from typing import Annotated, Any

from docgen_common.tasks import Tasks, TaskStore
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

LONG = ("jobs_work", "jobs_ask", "jobs_hang")


class Colour(BaseModel):
    """What the person said."""

    colour: str


def which_colour() -> Elicit[Colour]:
    return Elicit(message="Which colour?", schema=Colour)


def extension() -> Tasks:
    """The tasks extension with no patience for those tools."""
    return Tasks(dict.fromkeys(LONG, 0.0), TaskStore())


def add(mcp: MCPServer) -> None:
    """Add the tools to ``mcp``."""
    going_on: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
    stopped: list[str] = []

    @mcp.tool(description="Works in two steps, and waits for jobs_go_on between them.")
    async def jobs_work(label: str, ctx: Context[Any, Any]) -> str:
        await ctx.report_progress(1, 2, label)
        await going_on[label].wait()
        await ctx.report_progress(2, 2, label)
        return f"worked for {label}"

    @mcp.tool(description="Lets jobs_work take its second step.")
    async def jobs_go_on(label: str) -> str:
        going_on[label].set()
        return label

    @mcp.tool(description="Asks the person first.")
    async def jobs_ask(answer: Annotated[Colour, Resolve(which_colour)]) -> str:
        return f"chose {answer.colour}"

    @mcp.tool(description="Never ends by itself.")
    async def jobs_hang(label: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(label)
        return "never"

    @mcp.tool(description="Which calls of jobs_hang were stopped.")
    async def jobs_stopped() -> list[str]:
        return stopped

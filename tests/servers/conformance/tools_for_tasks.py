"""The tools that the MCP conformance suite asks for in its scenarios about tasks, on our tasks extension."""

import asyncio

from docgen_common.app import create_app
from docgen_common.settings import ServerSettings
from docgen_common.tasks import Tasks, TaskStore
from docgen_common.tool_server import ToolServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from starlette.applications import Starlette

AT_ONCE = ("slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input")
PATIENCE = {**dict.fromkeys(AT_ONCE, 0.0), "test_tool_with_task": 0.5}


def asking(*names: str) -> InputRequiredResult:
    """One question for each name."""
    requests = {
        name: ElicitRequest(
            params=ElicitRequestFormParams(
                message=f"What about {name}?",
                requested_schema={"type": "object", "properties": {name: {"type": "string"}}},
            )
        )
        for name in names
    }
    return InputRequiredResult(input_requests=requests)


def build(settings: ServerSettings) -> Starlette:
    """The application."""
    mcp = ToolServer("conformance", extensions=[Tasks(PATIENCE, TaskStore())])
    add_working(mcp)
    add_asking(mcp)
    return create_app(mcp, settings)


def add_working(mcp: ToolServer) -> None:
    """Tools that work, or fail."""

    @mcp.tool(description="Greets.")
    async def greet(name: str) -> str:
        return f"Hello, {name}!"

    @mcp.tool(description="Takes its time.")
    async def slow_compute(seconds: float, label: str = "") -> str:
        await asyncio.sleep(seconds)
        return f"computed {label} in {seconds:g} s"

    @mcp.tool(description="Fails as tools do.")
    async def failing_job() -> str:
        await asyncio.sleep(1)
        raise ToolError("it failed")

    @mcp.tool(description="Fails as protocols do.")
    async def protocol_error_job() -> str:
        raise MCPError(-32603, "it broke")


def add_asking(mcp: ToolServer) -> None:
    """Tools that ask."""

    @mcp.tool(description="Asks before it deletes.", structured_output=False)
    async def confirm_delete(filename: str, ctx: Context) -> str | InputRequiredResult:
        answer = (ctx.input_responses or {}).get("confirm")
        if answer is None:
            return asking("confirm")
        agreed = isinstance(answer, ElicitResult) and answer.action == "accept"
        return f"{'deleted' if agreed else 'kept'} {filename}"

    @mcp.tool(description="Asks two things at once.", structured_output=False)
    async def multi_input(ctx: Context) -> str | InputRequiredResult:
        if set(ctx.input_responses or {}) >= {"first", "second"}:
            return "both answered"
        return asking("first", "second")

    @mcp.tool(description="Asks first, and then takes its time.", structured_output=False)
    async def test_tool_with_task(ctx: Context) -> str | InputRequiredResult:
        answer = (ctx.input_responses or {}).get("user_name")
        if not isinstance(answer, ElicitResult):
            return asking("user_name")
        await asyncio.sleep(1)
        return f"hello {' '.join(map(str, (answer.content or {}).values()))}"

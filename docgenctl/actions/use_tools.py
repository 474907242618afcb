"""`docgenctl tools`: what the servers offer, and a call of one tool."""

import difflib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress, ToolResult
from docgenctl.model.errors import DocgenError, UsageError
from docgenctl.state.tool_names import remember_tool_names


def list_tools(opened: OpenProject) -> tuple[Mapping[str, Any], ...]:
    """All tools of all servers, as the orchestrator lists them."""
    with McpEndpoint(find_endpoint(opened)) as client:
        return _listed(opened, client)


def learn_tools(opened: OpenProject) -> None:
    """Let completion know the tools of a stack that has just changed; failing to is no failure."""
    with suppress(DocgenError):
        list_tools(opened)


def call_tool(
    opened: OpenProject,
    name: str,
    arguments: Mapping[str, Any],
    on_progress: Callable[[Progress], object],
    *,
    timeout_s: float,
) -> ToolResult:
    """Call one tool. Raises UsageError naming similar ones when there is no such tool."""
    with McpEndpoint(find_endpoint(opened), timeout_s=timeout_s) as client:
        names = [str(tool.get("name")) for tool in _listed(opened, client)]
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3) or names
            raise UsageError(f"there is no tool {name}", hint=f"tools: {', '.join(near)}")
        return client.call_tool(name, arguments, on_progress)


def _listed(opened: OpenProject, client: McpEndpoint) -> tuple[Mapping[str, Any], ...]:
    """The tools there are, whose names completion offers from then on."""
    tools = client.list_tools()
    remember_tool_names(opened.state_dir, [str(tool.get("name")) for tool in tools])
    return tools

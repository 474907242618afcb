"""`docgenctl tools`: what the servers offer, and a call of one tool."""

import difflib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress, ToolResult
from docgenctl.endpoint.route_table import fetch_route_table
from docgenctl.model.errors import DocgenError, NotHealthyError, RefusedError, UsageError
from docgenctl.model.routes import RoutedTool
from docgenctl.state.known_names import Names, remember_names


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as callers see it, and its server, empty where that cannot be learnt with this key.

    `remarkable` says that its description is odd, or its definition another than the known one.
    """

    definition: Mapping[str, Any]
    server: str = ""
    remarkable: bool = False


def list_tools(opened: OpenProject) -> tuple[ListedTool, ...]:
    """All tools of all servers, as the orchestrator lists them."""
    endpoint = find_endpoint(opened)
    with McpEndpoint(endpoint) as client:
        listed = _listed(opened, client)
    owned: dict[str, RoutedTool] = {}
    with suppress(NotHealthyError):
        owned = {tool.name: tool for tool in fetch_route_table(endpoint).tools if tool.endpoints}
    return tuple(_with_owner(tool, owned.get(str(tool.get("name")))) for tool in listed)


def _with_owner(definition: Mapping[str, Any], owned: RoutedTool | None) -> ListedTool:
    if owned is None:
        return ListedTool(definition)
    return ListedTool(definition, owned.server, bool(owned.findings) or owned.changed)


def learn_tools(opened: OpenProject) -> None:
    """Let completion know the tools of a stack that has just changed; failing to is no failure."""
    with suppress(DocgenError), McpEndpoint(find_endpoint(opened)) as client:
        _listed(opened, client)


def call_tool(
    opened: OpenProject,
    name: str,
    arguments: Mapping[str, Any],
    on_progress: Callable[[Progress], object],
    *,
    timeout_s: float,
) -> ToolResult:
    """Call one tool. Raises UsageError naming similar ones for an unknown one, RefusedError for a held."""
    with McpEndpoint(find_endpoint(opened), timeout_s=timeout_s) as client:
        names = [str(tool.get("name")) for tool in _listed(opened, client)]
        if name not in names:
            _refuse_held(opened, name)
            near = difflib.get_close_matches(name, names, n=3)
            hint = f"similar: {', '.join(near)}" if near else "docgenctl tools list"
            raise UsageError(f"there is no tool {name}", hint=hint)
        return client.call_tool(name, arguments, on_progress)


def _refuse_held(opened: OpenProject, name: str) -> None:
    """Raise RefusedError (`tool_held`) for a tool that is there and held back."""
    with suppress(NotHealthyError):
        for tool in fetch_route_table(find_endpoint(opened)).named(name):
            if tool.held:
                raise RefusedError(
                    f"the tool {name} is held back: {tool.held}",
                    hint=f"look at it: docgenctl tools inspect {name}",
                    code="tool_held",
                )


def _listed(opened: OpenProject, client: McpEndpoint) -> tuple[Mapping[str, Any], ...]:
    """The tools there are, whose names completion offers from then on."""
    tools = client.list_tools()
    remember_names(opened.state_dir, Names.TOOLS, [str(tool.get("name")) for tool in tools])
    return tools

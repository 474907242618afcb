"""`docgenctl routes`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docgenctl.model.routes import RoutedServer, RoutedTool, RouteTable

app = new_app()


@app.command()
def routes(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Show what owns what: tools, servers, endpoints, limits, collisions."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_routes import read_routes

    console = Console(json_mode=json_mode)
    table = read_routes(open_project(project_dir, os.environ))
    if json_mode:
        console.json({**table.raw, "servers": [_without_definitions(it) for it in table.raw["servers"]]})
        return
    console.table(
        ["TOOL", "SERVER", "THERE", "READS", "LIMIT", "RATE", "STATE"],
        [_row(tool) for tool in _sorted(table)],
    )
    console.line()
    console.table(
        ["ENDPOINT", "SERVERS", "TOOLS", "RESOURCES", "PROMPTS"],
        [
            [it.path, ", ".join(it.servers) or "-", str(it.tools), str(it.resources), str(it.prompts)]
            for it in table.endpoints
        ],
    )
    for sentence in _remarks(table):
        console.note(sentence)


def _without_definitions(server: dict[str, object]) -> dict[str, object]:
    tools = server.get("tools")
    kept = [
        {key: value for key, value in tool.items() if key != "definition"}
        for tool in (tools if isinstance(tools, list) else [])
    ]
    return {**server, "tools": kept}


def _sorted(table: RouteTable) -> list[RoutedTool]:
    return sorted(table.tools, key=lambda tool: (tool.name or tool.own_name, tool.server))


def _row(tool: RoutedTool) -> list[str]:
    renamed = tool.own_name if tool.name and tool.own_name != tool.name else "-"
    return [
        tool.name or f"({tool.own_name})",
        tool.server,
        renamed,
        "yes" if tool.read_only else "no",
        f"{tool.timeout_s:g} s",
        tool.rate or "-",
        _state(tool),
    ]


def _state(tool: RoutedTool) -> str:
    """In one or two words: what keeps callers from it, or what people should look at."""
    if tool.denied:
        return "denied"
    if tool.held:
        return "held back"
    words = [] if tool.endpoints else ["nowhere"]
    words += ["changed"] if tool.changed else []
    words += ["odd text"] if tool.findings else []
    return ", ".join(words) or "ok"


def _server_remarks(server: RoutedServer) -> Iterator[str]:
    if server.down:
        yield f"{server.name} cannot be reached: {server.down}"
    for key in server.policy_without_tool:
        yield f"servers/{server.name}/tools/{key} names a tool that {server.name} does not have"
    for key in server.policy_without_part:
        yield f"servers/{server.name}/{key} matches nothing that {server.name} has"


def _remarks(table: RouteTable) -> Iterator[str]:
    for name, owners in table.collisions.items():
        yield (
            f"{name} is offered by {' and '.join(owners)} and served by neither: rename or deny one of them"
        )
    for server in table.servers:
        yield from _server_remarks(server)
    for endpoint in table.endpoints:
        for pattern in endpoint.without_tool:
            key = f"endpoints/{endpoint.path.removeprefix('/mcp/')}/tools"
            yield f"{key}: {pattern} names no tool that is served there"
    for tool in _sorted(table):
        name = tool.name or tool.own_name
        if tool.held:
            yield f"{name} is held back: {tool.held}; see docgenctl tools inspect {name}"
        elif tool.findings and not tool.denied:
            yield f"{name} has a description to look at: docgenctl tools inspect {name}"

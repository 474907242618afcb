"""`docgenctl tools`."""

import json
import os
from typing import Annotated, Any

import typer

from docgenctl.cli import suggestions
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import ExitCode, UsageError

app = new_app(no_args_is_help=True)


@app.callback()
def tools() -> None:
    """List, inspect, accept and call the tools of all servers."""


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List the tools of all servers; `!` marks those that somebody should look at."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_tools import list_tools

    console = Console(json_mode=json_mode)
    found = list_tools(open_project(project_dir, os.environ))
    if json_mode:
        console.json([dict(tool.definition) | _owner(tool) for tool in found])
        return
    rows = [
        [
            str(tool.definition.get("name")) + (" !" if tool.remarkable else ""),
            tool.server or "-",
            _first_line(tool.definition.get("description")),
        ]
        for tool in found
    ]
    console.table(["TOOL", "SERVER", "DESCRIPTION"], rows)
    if any(tool.remarkable for tool in found):
        console.note("! has an odd description or a changed definition: docgenctl tools inspect NAME")


def _owner(tool: Any) -> dict[str, Any]:
    """What a program is told besides the definition, where it is known."""
    return {"server": tool.server, "remarkable": tool.remarkable} if tool.server else {}


@app.command("inspect")
def inspect_command(
    name: Annotated[
        str, typer.Argument(help="The tool's name.", metavar="NAME", autocompletion=suggestions.tools)
    ],
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Tell all about one tool: arguments, owner, limits, findings, what changed, how to call it."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_routes import inspect_tool
    from docgenctl.cli.console import as_json
    from docgenctl.cli.tool_pages import tool_page

    console = Console(json_mode=json_mode)
    found = inspect_tool(open_project(project_dir, os.environ), name)
    if json_mode:
        console.json([{**as_json(it), "differs": it.differs} for it in found])
        return
    for number, inspected in enumerate(found):
        if number:
            console.line()
        for line in tool_page(inspected):
            console.line(line)


@app.command("accept")
def accept_command(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names of tools.", autocompletion=suggestions.tools)
    ],
    definition: Annotated[
        str,
        typer.Option(help="Beginning of the SHA-256 that was looked at; another one is refused."),
    ] = "",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Accept tools as they are now: what is held back is served again."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_routes import accept_tools

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    accepted = accept_tools(opened, open_engine(opened), names, definition=definition)
    if json_mode:
        console.json([{"server": it.server, "tool": it.own_name, "digest": it.digest} for it in accepted])
        return
    for tool in accepted:
        console.line(f"accepted {tool.name or tool.own_name} of {tool.server} as it is now")


@app.command("call")
def call_command(
    name: Annotated[
        str, typer.Argument(help="The tool's name.", metavar="NAME", autocompletion=suggestions.tools)
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="Arguments as name=value; name:=JSON for other types than text.", metavar="[ARG]..."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Longest silence in seconds.")] = 300,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Call one tool and print its result."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_tools import call_tool

    console = Console(json_mode=json_mode)
    result = call_tool(
        open_project(project_dir, os.environ),
        name,
        dict(_argument(text) for text in arguments or ()),
        lambda progress: console.note(f"{progress.progress:g}/{progress.total or 0:g}"),
        timeout_s=timeout,
    )
    if json_mode:
        console.json(dict(result.raw))
    elif result.structured is not None and not result.is_error:
        console.json(result.structured)
    else:
        console.text(result.text)
    if result.is_error:
        raise typer.Exit(ExitCode.NOT_HEALTHY)


def _argument(text: str) -> tuple[str, Any]:
    """`limit:=3` is the number 3, `path=docs` the text docs. Raises UsageError for anything else."""
    name, colon, value = text.partition(":=")
    if colon and "=" not in name:
        try:
            return name, json.loads(value)
        except ValueError as error:
            raise UsageError(f"{text!r}: {value!r} is not JSON ({error})", hint="write name:=3") from None
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is not an argument", hint="write name=value, or name:=3 for a number")
    return name, value


def _first_line(text: Any) -> str:
    return str(text or "").strip().split("\n")[0]

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
    """List and call the tools of all servers."""


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List the tools of all servers."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.use_tools import list_tools

    console = Console(json_mode=json_mode)
    found = list_tools(open_project(project_dir, os.environ))
    if json_mode:
        console.json([dict(tool) for tool in found])
        return
    rows = [[str(tool.get("name")), _first_line(tool.get("description"))] for tool in found]
    console.table(["TOOL", "DESCRIPTION"], rows)


@app.command("call")
def call_command(
    name: Annotated[str, typer.Argument(help="The tool's name.", autocompletion=suggestions.tools)],
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
        console.line(result.text)
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

"""`docgenctl history`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir

if TYPE_CHECKING:
    from docgenctl.model.history import HistoryEntry

app = new_app()


@app.command()
def history(
    project_dir: ProjectDir = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the newest.")] = 20,
    json_mode: Json = False,
) -> None:
    """Show who changed the stack, when, with which result."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.read_history import read_history

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    entries = read_history(opened, limit=limit)
    if json_mode:
        console.json(as_json(entries))
    elif not entries:
        console.note(f"Nothing has changed {opened.project.name} yet.")
    else:
        console.table(["STARTED", "WHO", "COMMAND", "RESULT", "TOOK"], [_row(entry) for entry in entries])


def _row(entry: HistoryEntry) -> list[str]:
    result = str(entry.result).replace("_", " ")
    if entry.exit_code:
        result += f" ({entry.error_code or 'exit'} {entry.exit_code})"
    took = "-" if entry.duration_s is None else f"{entry.duration_s:.1f} s"
    who = f"{entry.user}@{entry.host}"
    return [entry.started[:19], who, _command(entry), result, took]


def _command(entry: HistoryEntry) -> str:
    """As it was typed; an argument that would break the line is shown escaped."""
    import shlex

    if not entry.arguments:
        return entry.command
    words = " ".join(["docgenctl", *(shlex.quote(argument) for argument in entry.arguments)])
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in words
    )

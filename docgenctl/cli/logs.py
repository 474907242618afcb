"""`docgenctl logs`."""

import os
from datetime import datetime
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir, Services
from docgenctl.model.errors import UsageError

app = new_app()


@app.command()
def logs(
    services: Services = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is logged.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="Only the last lines of each service.")] = None,
    since: Annotated[str, typer.Option(help="Only from this time on, RFC 3339.", show_default=False)] = "",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Print the services' logs."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.read_logs import follow_logs, read_logs

    console = Console(json_mode=json_mode)
    _check_time(since)
    opened = open_project(project_dir, os.environ)
    engine = open_engine(opened)
    read = follow_logs if follow else read_logs
    width = max((len(name) for name in services or ["orchestrator"]), default=12)
    for line in read(opened, engine, services or [], tail=tail, since=since):
        if json_mode:
            console.json_line(as_json(line))
        else:
            console.line(f"{line.service:<{width}} | {line.text}")


def _check_time(since: str) -> None:
    try:
        understood = not since or datetime.fromisoformat(since).tzinfo is not None
    except ValueError:
        understood = False
    if not understood:
        raise UsageError(f"{since!r} is not a time with its zone", hint="write --since 2026-01-31T08:00:00Z")

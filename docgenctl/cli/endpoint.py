"""`docgenctl endpoint`."""

import os
from typing import Annotated

import typer

from docgenctl.cli import suggestions
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

app = new_app()


@app.command()
def endpoint(
    server: Annotated[
        str,
        typer.Argument(
            help="A server's own endpoint, or a named one; by default the one for all.",
            autocompletion=suggestions.servers,
        ),
    ] = "",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Say where clients connect, and where certificate and key lie."""
    from docgenctl.actions.find_endpoint import find_endpoint
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    found = find_endpoint(open_project(project_dir, os.environ), server or "orchestrator")
    if json_mode:
        console.json(found.as_json())
        return
    for label, value in found.as_json().items():
        console.line(f"{label:<13}{value}")

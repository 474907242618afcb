"""`docgenctl open`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

app = new_app()


@app.command("open")
def open_command(
    what: Annotated[
        str, typer.Argument(help="A kind (readme), a file in the output folder, or topology.")
    ] = "",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Open the newest document, a named one, or the picture of the topology."""
    from docgenctl.actions.find_document import find_document
    from docgenctl.actions.open_project import open_project
    from docgenctl.host.opener import open_file

    console = Console(json_mode=json_mode)
    path = find_document(open_project(project_dir, os.environ), what)
    # Nobody who reads a log or a pipe is helped by a window.
    opened = console.interactive and open_file(path)
    if json_mode:
        console.json({"path": str(path), "opened": opened})
        return
    console.line(str(path))
    if console.interactive and not opened:
        console.note("There is no desktop here to open it with; the file is where the line above says.")

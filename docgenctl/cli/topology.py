"""`docgenctl topology`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir

app = new_app()


@app.command()
def topology(
    svg: Annotated[
        str | None, typer.Option("--svg", help="Write an SVG to this file; - for standard output.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, svg or mermaid.")] = "text",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Draw who is connected with whom: in the terminal, as SVG or as Mermaid."""
    from docgenctl.actions.draw_topology import FORMATS, draw_topology, find_topology, write_topology
    from docgenctl.actions.open_project import open_project
    from docgenctl.model.errors import UsageError

    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}", hint=f"formats: {', '.join(FORMATS)}")
    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    written = write_topology(opened, Path(svg)) if svg and svg != "-" else None
    if json_mode:
        found = as_json(find_topology(opened))
        console.json(found | {"file": str(written) if written else None})
    elif written:
        console.line(str(written))
    else:
        width = shutil.get_terminal_size().columns
        encoding = getattr(console.out, "encoding", None) or "utf-8"
        form = "svg" if svg else form
        console.line(draw_topology(opened, form, width=width, encoding=encoding).rstrip("\n"))

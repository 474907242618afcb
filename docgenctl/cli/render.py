"""`docgenctl render`."""

import os

from docgenctl.actions.open_engine import open_engine
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.actions.render import render_files
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import BaseImage, Json, Port, ProjectDir, setting_flags
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError

app = new_app()


@app.command()
def render(
    project_dir: ProjectDir = None,
    port: Port = None,
    base_image: BaseImage = None,
    json_mode: Json = False,
) -> None:
    """Write compose file, Dockerfiles and configuration without starting."""
    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ, setting_flags(port, base_image))
    design, changes = render_files(opened, _engine(opened, console))
    if json_mode:
        console.json(
            {
                "project": design.stack.project,
                "files": [{"path": str(change.path), "change": change.kind} for change in changes],
            }
        )
        return
    for change in changes:
        console.line(f"{change.kind:<10}{change.path}")


def _engine(opened: OpenProject, console: Console) -> Engine | None:
    """The engine if one answers: rendering works without, but knows less of what is taken."""
    try:
        return open_engine(opened)
    except EngineError as error:
        console.note(f"Without an engine ({error.message}): networks in use elsewhere are not seen.")
        return None

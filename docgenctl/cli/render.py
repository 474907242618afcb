"""`docgenctl render`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import BaseImage, DryRun, Json, Port, ProjectDir, WaitLockS, setting_flags
from docgenctl.model.errors import EngineError

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine

app = new_app()


@app.command()
def render(
    project_dir: ProjectDir = None,
    port: Port = None,
    base_image: BaseImage = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Write compose file, Dockerfiles and configuration without starting."""
    from docgenctl.actions.foresee import foresee_render
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.render import render_files

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, setting_flags(port, base_image), wait_lock_s=wait_lock)
        console.notes(opened.configuration.notes)
        if dry_run:
            show_forecast(foresee_render(opened, _engine(opened, console)), console)
            return
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
    from docgenctl.actions.open_engine import open_engine

    try:
        return open_engine(opened)
    except EngineError as error:
        console.note(f"Without an engine ({error.message}): networks in use elsewhere are not seen.")
        return None

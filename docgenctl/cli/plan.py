"""`docgenctl plan`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import BaseImage, EngineName, Json, Port, ProjectDir, setting_flags
from docgenctl.model.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine

app = new_app()


@app.command()
def plan(
    project_dir: ProjectDir = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="End with 8 when something would be changed.")
    ] = False,
    port: Port = None,
    base_image: BaseImage = None,
    engine: EngineName = None,
    json_mode: Json = False,
) -> None:
    """Show what up would do, and why, and change nothing."""
    from docgenctl.actions.foresee import foresee_up
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    with rehearsing(True):
        opened = open_project(project_dir, os.environ, setting_flags(port, base_image, engine))
        forecast = foresee_up(opened, engine_if_any(opened, console))
    show_forecast(forecast, console)
    if detailed_exitcode and forecast.changes:
        raise typer.Exit(ExitCode.CHANGES_PENDING)


def engine_if_any(opened: OpenProject, console: Console) -> Engine | None:
    """The engine if one answers: files and ports can be foreseen without."""
    from docgenctl.actions.open_engine import open_engine

    try:
        return open_engine(opened)
    except EngineError as error:
        console.note(f"Without an engine ({error.message}): only files, ports and keys are foreseen.")
        return None

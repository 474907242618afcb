"""`docgenctl build`."""

import os
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, Json, ProjectDir, WaitLockS

app = new_app()


@app.command()
def build(
    project_dir: ProjectDir = None,
    force: Annotated[bool, typer.Option("--force", help="Build images that are there, too.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Ask registries for the base images again.")] = False,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Build the images whose content changed."""
    from docgenctl.actions.build import build_only
    from docgenctl.actions.foresee import foresee_build
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        console.notes(opened.configuration.notes)
        engine = open_engine(opened)
        if dry_run:
            show_forecast(foresee_build(opened, engine, rebuild=force, pull=pull), console)
            return
    with console.progress() as reporter:
        images = build_only(opened, engine, reporter, rebuild=force, pull=pull)
    if json_mode:
        console.json({name: {"reference": image.reference, "id": image.id} for name, image in images.items()})
    else:
        console.table(
            ["SERVICE", "IMAGE"], [[name, image.reference] for name, image in sorted(images.items())]
        )

"""`docgenctl down`."""

import os
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, EngineName, Json, ProjectDir, WaitLockS, Yes, setting_flags
from docgenctl.model.errors import RefusedError

app = new_app()


@app.command()
def down(
    project_dir: ProjectDir = None,
    volumes: Annotated[bool, typer.Option("--volumes", help="Remove data volumes too, for good.")] = False,
    yes: Yes = False,
    engine: EngineName = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Remove the stack's containers and networks; data stays."""
    from docgenctl.actions.down import take_down
    from docgenctl.actions.foresee import foresee_down
    from docgenctl.actions.open_engine import left_by_processes, open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, setting_flags(engine=engine), wait_lock_s=wait_lock)
        if dry_run:
            chosen = open_engine(opened)
            left = left_by_processes(opened, chosen) if volumes else None
            show_forecast(foresee_down(opened, chosen, with_data=volumes, before=left), console)
            return
    if volumes and not yes and not console.confirm(f"Remove all data of {opened.project.name} for good?"):
        raise RefusedError(
            "data volumes are removed only after a yes",
            hint="docgenctl down --volumes --yes",
            code="not_confirmed",
        )
    chosen = open_engine(opened)
    left = left_by_processes(opened, chosen) if volumes else None
    with console.progress() as reporter:
        plan = take_down(opened, chosen, reporter, with_data=volumes, before=left)
    if json_mode:
        console.json({"project": opened.project.name, "steps": [str(step) for step in plan.steps]})
    elif plan.empty:
        console.note(f"Nothing to do: {opened.project.name} is down already.")
    else:
        kept = "" if volumes else "; data, keys and images stay"
        console.note(f"{opened.project.name} is down{kept}.")

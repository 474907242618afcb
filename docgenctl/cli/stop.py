"""`docgenctl stop`."""

import os

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, Json, ProjectDir, Services, WaitLockS

app = new_app()


@app.command()
def stop(
    services: Services = None,
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Stop services and keep everything in place."""
    from docgenctl.actions.foresee import foresee_stop
    from docgenctl.actions.lifecycle import stop_services
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        engine = open_engine(opened)
        if dry_run:
            show_forecast(foresee_stop(opened, engine, services or []), console)
            return
    with console.progress() as reporter:
        touched = stop_services(opened, engine, reporter, services or [])
    if json_mode:
        console.json({"project": opened.project.name, "stopped": list(touched)})
    elif not touched:
        console.note("Nothing to do: they do not run.")

"""`docgenctl start`."""

import os

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, Json, ProjectDir, Services, TimeoutS, WaitLockS

app = new_app()


@app.command()
def start(
    services: Services = None,
    project_dir: ProjectDir = None,
    timeout: TimeoutS = 120,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Start stopped services again, as they were."""
    from docgenctl.actions.foresee import foresee_start
    from docgenctl.actions.lifecycle import start_services
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        engine = open_engine(opened)
        if dry_run:
            show_forecast(foresee_start(opened, engine, services or []), console)
            return
    with console.progress() as reporter:
        touched = start_services(opened, engine, reporter, services or [], timeout_s=timeout)
    if json_mode:
        console.json({"project": opened.project.name, "started": list(touched)})
    elif not touched:
        console.note("Nothing to do: they run.")

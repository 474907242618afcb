"""`docgenctl deploy`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json, error_document
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import (
    BaseImage,
    DryRun,
    EngineName,
    Json,
    Port,
    ProjectDir,
    TimeoutS,
    WaitLockS,
    Yes,
    setting_flags,
)
from docgenctl.model.errors import RefusedError

if TYPE_CHECKING:
    from docgenctl.actions.deploy import DeployReport

app = new_app()


@app.command("deploy")
def deploy_command(
    project_dir: ProjectDir = None,
    ci: Annotated[bool, typer.Option("--ci", help="Do not ask, and print the report as JSON.")] = False,
    timeout: TimeoutS = 120,
    yes: Yes = False,
    port: Port = None,
    base_image: BaseImage = None,
    engine: EngineName = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Bring the stack to a new version, and back by itself when that fails."""
    from docgenctl.actions.deploy import deploy
    from docgenctl.actions.foresee import foresee_up
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode or ci)
    flags = setting_flags(port, base_image, engine)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, flags, wait_lock_s=wait_lock)
        console.notes(opened.configuration.notes)
        if dry_run:
            show_forecast(foresee_up(opened, open_engine(opened), command="deploy"), console)
            return
    if not (ci or yes or json_mode) and not console.confirm(f"Deploy {opened.project.name}?"):
        raise RefusedError(
            "a deployment needs a yes", hint="docgenctl deploy --ci, or --yes", code="not_confirmed"
        )
    chosen = open_engine(opened)
    with console.progress() as reporter:
        report = deploy(opened, chosen, reporter, timeout_s=timeout)
    if console.json_mode:
        console.json(_document(report))
    elif report.error is None:
        console.line(f"{report.outcome} in {report.duration_s:.1f} s")
    if report.error is not None:
        _explain(report, Console())
        raise typer.Exit(report.error.exit_code)


def _explain(report: DeployReport, console: Console) -> None:
    if report.error is not None:
        console.error(report.error)
    if report.outcome == "rolled_back":
        console.note("The previous version serves again.")
    elif report.rollback_error is not None:
        console.note("Going back failed too:")
        console.error(report.rollback_error)
    else:
        console.note("There is no earlier version to go back to.")


def _document(report: DeployReport) -> dict[str, Any]:
    return {
        "outcome": report.outcome,
        "steps": list(report.steps),
        "images": report.images,
        "health": None if report.health is None else as_json(report.health),
        "error": None if report.error is None else error_document(report.error)["error"],
        "rollback_error": None
        if report.rollback_error is None
        else error_document(report.rollback_error)["error"],
        "duration_s": round(report.duration_s, 3),
    }

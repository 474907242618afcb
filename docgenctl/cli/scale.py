"""`docgenctl scale`."""

import os
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, Json, ProjectDir, TimeoutS, WaitLockS
from docgenctl.model.errors import UsageError

app = new_app()


@app.command()
def scale(
    counts: Annotated[list[str], typer.Argument(metavar="SERVICE=COUNT...", help="Such as orchestrator=2.")],
    project_dir: ProjectDir = None,
    timeout: TimeoutS = 120,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Run more or fewer orchestrators, without dropping a request."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.scale import foresee_scale
    from docgenctl.actions.scale import scale as scale_stack
    from docgenctl.cli.prepared import step_documents

    console = Console(json_mode=json_mode)
    wanted = dict(map(_count, counts))
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        engine = open_engine(opened)
        if dry_run:
            show_forecast(foresee_scale(opened, engine, wanted), console)
            return
    with console.progress() as reporter:
        count, result = scale_stack(opened, engine, reporter, wanted, timeout_s=timeout)
    settings = opened.configuration.settings.orchestrator
    configured = settings.replicas
    if json_mode:
        document = {"project": opened.project.name, "replicas": {"orchestrator": count}}
        console.json(document | {"configured": configured, "steps": step_documents(result.plan)})
        return
    console.line(f"✔ orchestrator runs {_times(count)}")
    if count != configured:
        console.note(
            f"Kept until down, or until orchestrator.replicas in docgen.yaml changes; it says {configured}."
        )
    if count > 1 and settings.shared_limits == "never":
        console.note("Each keeps an equal share of every rate limit of keys and tools.")
    elif count > 1:
        console.note("They count the rates of keys and tools together, in the service valkey.")


def _count(text: str) -> tuple[str, int]:
    service, _, number = text.partition("=")
    if not service or not number.isascii() or not number.isdigit() or len(number) > 4:
        raise UsageError(f"{text!r} does not say how many of which", hint="docgenctl scale orchestrator=2")
    return service, int(number)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"

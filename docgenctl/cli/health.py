"""`docgenctl health`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import ExitCode

if TYPE_CHECKING:
    from docgenctl.model.health import HealthReport

app = new_app()


@app.command()
def health(
    project_dir: ProjectDir = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Check again and again until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two checks of --watch.")] = 2.0,
    json_mode: Json = False,
) -> None:
    """Check layer by layer: containers, TLS, protocol, a real tool call."""
    from docgenctl.actions.check_health import check_health
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    engine = open_engine(opened)
    report = check_health(opened, engine)
    _show(report, console, compact=watch)
    while watch:
        time.sleep(interval)
        report = check_health(opened, engine)
        _show(report, console, compact=True)
    if not report.healthy:
        raise typer.Exit(ExitCode.NOT_HEALTHY)


def _show(report: HealthReport, console: Console, *, compact: bool) -> None:
    """One JSON document or one table per check; while watching, one line each."""
    if console.json_mode:
        document = {"healthy": report.healthy, "layers": as_json(report.layers)}
        if compact:
            console.json_line(document)
        else:
            console.json(document)
    elif compact:
        failed = [f"{layer.layer} {layer.subject}: {layer.detail}" for layer in report.layers if not layer.ok]
        slowest = max(layer.latency_ms for layer in report.layers)
        word = f"unhealthy  {'; '.join(failed)}" if failed else f"healthy  slowest layer {slowest:.0f} ms"
        console.line(f"{time.strftime('%H:%M:%S')}  {word}")
    else:
        rows = [
            ["✔" if layer.ok else "✘", layer.layer, layer.subject, f"{layer.latency_ms:.1f} ms", layer.detail]
            for layer in report.layers
        ]
        console.table(["", "LAYER", "SUBJECT", "LATENCY", "DETAIL"], rows)
        console.note("healthy" if report.healthy else "not healthy: see docgenctl logs")

"""`docgenctl health`."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.cli.plain_text import printable
from docgenctl.model.errors import ExitCode

if TYPE_CHECKING:
    from docgenctl.model.health import HealthReport

app = new_app()


@app.command()
def health(
    project_dir: ProjectDir = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Check again and again until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two checks of --watch.")] = 1.0,
    count: Annotated[
        int | None, typer.Option(min=1, help="End --watch after so many checks.", show_default=False)
    ] = None,
    json_mode: Json = False,
) -> None:
    """Check layer by layer: services, TLS, protocol, a real tool call."""
    from docgenctl.actions.check_health import check_health
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.watch_health import watch_health

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    engine = open_engine(opened)
    if watch:
        with _Screen(console) as screen:
            for report in watch_health(opened, engine, interval_s=interval, count=count):
                screen.show(report)
    else:
        report = check_health(opened, engine)
        _show(report, console)
    if not report.healthy:
        raise typer.Exit(ExitCode.NOT_HEALTHY)


def _show(report: HealthReport, console: Console) -> None:
    """One JSON document, or one table."""
    if console.json_mode:
        console.json(_document(report))
        return
    rows = [
        ["✔" if layer.ok else "✘", layer.layer, layer.subject, f"{layer.latency_ms:.1f} ms", layer.detail]
        for layer in report.layers
    ]
    console.table(["", "LAYER", "SUBJECT", "LATENCY", "DETAIL"], rows)
    if report.healthy:
        console.note("healthy")
    elif any(layer.layer == "service" and layer.ok for layer in report.layers):
        console.note(
            "not healthy: docgenctl logs says why, docgenctl plan what differs, and docgenctl up mends that"
        )
    else:
        console.note("nothing runs; start it with: docgenctl up")


def _document(report: HealthReport) -> dict[str, Any]:
    return {"healthy": report.healthy, "layers": as_json(report.layers)}


class _Screen:
    """One line for each check; on a terminal the same line again as long as nothing changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.out.isatty() and os.environ.get("TERM") != "dumb" and not console.json_mode
        self._last: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._last is not None:
            self._console.line()

    def show(self, report: HealthReport) -> None:
        """The newest report."""
        if self._console.json_mode:
            self._console.json_line(_document(report))
            return
        word, more = _verdict(report)
        line = f"{time.strftime('%H:%M:%S')}  {word}  {more}".rstrip()
        if not self._live:
            self._console.line(line)
            self._console.out.flush()
            return
        end = "\n" if self._last not in (None, word) else ""
        width = shutil.get_terminal_size().columns - 1
        self._console.out.write(f"{end}\r\033[K{printable(line, self._console.out)[:width]}")
        self._console.out.flush()
        self._last = word


def _verdict(report: HealthReport) -> tuple[str, str]:
    """What stays the same while nothing changes, and what does not."""
    failed = [f"{layer.layer} {layer.subject}: {layer.detail}" for layer in report.layers if not layer.ok]
    if failed:
        return f"unhealthy  {'; '.join(failed)}", ""
    services = sum(layer.layer == "service" for layer in report.layers)
    slowest = max((layer.latency_ms for layer in report.layers if layer.layer != "service"), default=0)
    return "healthy", f"{services} services, slowest answer {slowest:.0f} ms"

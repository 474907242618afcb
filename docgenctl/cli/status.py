"""`docgenctl status`."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir, Services

if TYPE_CHECKING:
    from docgenctl.actions.status import ServiceStatus

app = new_app()

#: Columns that the whole table needs.
_ROOMY = 115
#: Where ports are published unless the settings say otherwise.
_OWN = "127.0.0.1"


@app.command()
def status(
    services: Services = None,
    project_dir: ProjectDir = None,
    stats: Annotated[bool, typer.Option("--stats", help="Measure CPU and memory too (two seconds).")] = False,
    json_mode: Json = False,
) -> None:
    """Show every service: state, health, ports, image, restarts."""
    from docgenctl.actions.glance import look_at
    from docgenctl.actions.status import read_status

    console = Console(json_mode=json_mode)
    project, engine = look_at(project_dir, os.environ)
    rows = read_status(project.name, engine, stats=stats, services=services or ())
    if json_mode:
        console.json([_document(row, stats=stats) for row in rows])
    elif not rows:
        console.note(f"{project.name} has no containers. Start it with: docgenctl up")
    else:
        headers = ["SERVICE", "STATE", "HEALTH", "PORTS", "RESTARTS", "SINCE"]
        headers += ["CPU", "MEMORY"] if stats else []
        # A narrow window folds every column to show one that few people read.
        roomy = not console.out.isatty() or shutil.get_terminal_size().columns >= _ROOMY
        headers += ["IMAGE"] if roomy else []
        console.table(headers, [_row(row, stats=stats)[: len(headers)] for row in rows])
        for row in rows:
            if row.trouble:
                console.note(f"{row.service}: {row.trouble}")
        if not engine.info().isolates:
            from docgenctl.cli.proofs import NOT_ISOLATED

            console.note(NOT_ISOLATED)


def _document(row: ServiceStatus, *, stats: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "service": row.service,
        "state": row.state,
        "health": row.health,
        "ports": [
            {"host_ip": port.host_ip, "host_port": port.host_port, "container_port": port.container_port}
            for port in row.ports
        ],
        "image": row.image,
        "since": row.since,
        "restarts": row.restarts,
        "exit_code": row.exit_code,
        "container": row.container,
        "trouble": row.trouble,
    }
    if stats:
        document |= {
            "cpu_percent": row.cpu_percent,
            "memory_bytes": row.memory_bytes,
            "memory_limit_bytes": row.memory_limit_bytes,
        }
    return document


def _row(row: ServiceStatus, *, stats: bool) -> list[str]:
    state = row.state if row.state == "running" else f"{row.state} ({row.exit_code})"
    since = row.since[:16].replace("T", " ") or "-"
    cells = [
        row.service if row.number == 1 else f"{row.service}#{row.number}",
        state,
        row.health,
        _ports(row) or "-",
        str(row.restarts),
        since,
    ]
    if stats:
        cells += [
            "-" if row.cpu_percent is None else f"{row.cpu_percent:.1f} %",
            "-" if row.memory_bytes is None else f"{row.memory_bytes / 2**20:.0f} MiB",
        ]
    return [*cells, row.image]


def _ports(row: ServiceStatus) -> str:
    """Host ports, with their address where that is not this machine's own."""
    ports = sorted(row.ports, key=lambda port: port.host_port)
    return " ".join(
        str(port.host_port) if port.host_ip == _OWN else f"{port.host_ip}:{port.host_port}" for port in ports
    )

"""`docgenctl ports`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir

if TYPE_CHECKING:
    from docgenctl.actions.list_ports import PortRow

app = new_app(invoke_without_command=True)

#: Without an engine.
_LACKING = "containers are not told"


@app.callback()
def ports(ctx: typer.Context, project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Show each host port: its range, who chose it, who holds it."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = (project_dir, json_mode)
        return
    from docgenctl.actions.list_ports import list_ports
    from docgenctl.actions.open_project import open_project
    from docgenctl.cli.without_engine import engine_or_note

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    rows = list_ports(opened, engine_or_note(opened, console, _LACKING))
    if json_mode:
        console.json([_document(row) for row in rows])
        return
    console.table(
        ["PURPOSE", "PORT", "RANGE", "RANGE FROM", "CHOSEN", "IN USE BY"],
        [
            [
                row.purpose,
                f"{row.address}:{row.port}" if row.port else "none is free",
                str(row.range),
                row.chosen_by,
                _chosen(row),
                _holder(row),
            ]
            for row in rows
        ],
    )
    for row in rows:
        if row.instead_of is not None:
            reason = row.instead_of
            console.note(
                f"{row.purpose} has {row.port} because {reason.instead_of} was held by {reason.holder}"
                f" ({reason.at[:10]})"
            )


@app.command()
def diagnose(
    ctx: typer.Context,
    port: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="[PORT]...", min=1, max=65535, help="Ports; the stack's own when none is named."
        ),
    ] = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Say which process or container holds a port, as far as the system tells."""
    from docgenctl.actions.diagnose_port import diagnose_ports
    from docgenctl.actions.list_ports import list_ports
    from docgenctl.actions.open_project import open_project
    from docgenctl.cli.without_engine import engine_or_note

    above_dir, above_json = ctx.obj or (None, False)
    console = Console(json_mode=json_mode or above_json)
    opened = open_project(project_dir or above_dir, os.environ)
    engine = engine_or_note(opened, console, _LACKING)
    asked = port or [row.port or row.range.first for row in list_ports(opened, engine)]
    address = opened.configuration.settings.ports.bind
    found = diagnose_ports(asked, address, engine, project=opened.project.name)
    if console.json_mode:
        console.json([as_json(each) for each in found])
        return
    for each in found:
        state = "free" if each.free else "taken"
        console.line(f"{each.address}:{each.port}  {state}: {each.evidence}")
        if each.fix:
            console.line(f"  to change that: {each.fix}")


def _chosen(row: PortRow) -> str:
    if row.range.fixed:
        return "fixed"
    if row.instead_of is not None:
        return f"instead of {row.instead_of.instead_of}"
    return "remembered" if row.remembered else "would be taken"


def _holder(row: PortRow) -> str:
    if row.used_by_us:
        return "this stack"
    return str(row.holder or ("-" if row.usable else "another process"))


def _document(row: PortRow) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "address": row.address,
        "port": row.port or None,
        "range": str(row.range),
        "range_from": row.chosen_by,
        "fixed": row.range.fixed,
        "remembered": row.remembered,
        "usable": row.usable,
        "used_by_this_stack": row.used_by_us,
        "substituted": row.instead_of.model_dump() if row.instead_of else None,
        "holder": as_json(row.holder) if row.holder else None,
    }

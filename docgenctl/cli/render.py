"""`docgenctl render`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import BaseImage, DryRun, Json, Port, ProjectDir, WaitLockS, setting_flags
from docgenctl.model.errors import EngineError

if TYPE_CHECKING:
    from docgenctl.actions.open_engine import WhoseStack
    from docgenctl.engine.protocol import Engine

    #: The project's name; path and word of every file.
    Rendered = tuple[str, list[tuple[str, str]]]

app = new_app()


@app.command()
def render(
    project_dir: ProjectDir = None,
    port: Port = None,
    base_image: BaseImage = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Write compose file, Dockerfiles and configuration without starting."""
    console = Console(json_mode=json_mode)
    flags = setting_flags(port, base_image)
    if dry_run:
        _foresee(project_dir, flags, console)
        return
    rendered = None
    if port is None and base_image is None:
        rendered = _nothing_to_do(project_dir, console, wait_lock)
    name, changes = rendered or _rendered(project_dir, flags, console, wait_lock)
    if json_mode:
        files = [{"path": path, "change": change} for path, change in changes]
        console.json({"project": name, "files": files})
        return
    for path, change in changes:
        console.line(f"{change:<10}{path}")


def _foresee(project_dir: Path | None, flags: Mapping[str, str | None], console: Console) -> None:
    from docgenctl.actions.foresee import foresee_render
    from docgenctl.actions.open_project import open_project

    with rehearsing(True):
        opened = open_project(project_dir, os.environ, flags)
        console.notes(opened.configuration.notes)
        engine, without = _engine(opened)
        _tell(without, console)
        show_forecast(foresee_render(opened, engine), console)


def _nothing_to_do(project_dir: Path | None, console: Console, wait_lock_s: float) -> Rendered | None:
    """The project's name and its files, none of which a render would change; None when that is not sure."""
    from docgenctl.actions.glance import glance
    from docgenctl.actions.render_note import is_noted, nothing_to_render

    found = glance(project_dir, os.environ)
    if found is None or not is_noted(found.state_dir):
        return None
    engine, without = _engine(found)
    paths = nothing_to_render(found, engine, wait_lock_s=wait_lock_s)
    if paths is None:
        return None
    console.notes(found.notes)
    _tell(without, console)
    return found.project.name, [(path, "unchanged") for path in paths]


def _rendered(
    project_dir: Path | None, flags: Mapping[str, str | None], console: Console, wait_lock_s: float
) -> Rendered:
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.render import render_files

    opened = open_project(project_dir, os.environ, flags, wait_lock_s=wait_lock_s)
    console.notes(opened.configuration.notes)
    engine, without = _engine(opened)
    _tell(without, console)
    design, changes = render_files(opened, engine, console.note)
    return design.stack.project, [(str(change.path), change.kind.value) for change in changes]


def _engine(opened: WhoseStack) -> tuple[Engine | None, str]:
    """The engine if one answers, else why not: rendering works without, but knows less of what is taken."""
    from docgenctl.actions.open_engine import open_engine

    try:
        return open_engine(opened), ""
    except EngineError as error:
        return None, error.message


def _tell(without: str, console: Console) -> None:
    if without:
        console.note(f"Without an engine ({without}): networks in use elsewhere are not seen.")

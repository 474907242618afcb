"""Whose stack it is, without reading the configuration again when nothing has changed since it was read.

Theory of operation. Reading the configuration means YAML and a checked model, whose libraries take ten times
as long to import as Python to start. Every full reading therefore leaves a note in the state directory: the
digest of all that went in, and the few words that looking at a stack needs. A command that only looks takes
the digest of what lies there now; when it is the note's, the note's words are what a full reading would say.
Anything else (a changed byte, variable or program, a configuration with mistakes, a damaged note) leads to
the full reading. A configuration with mistakes never gets a note, so its mistakes are told every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl.actions.locate import locate
from docgenctl.configuration.inputs import digest_of_inputs
from docgenctl.configuration.project_identity import project_id
from docgenctl.model.project import Project
from docgenctl.state.directory import state_directory
from docgenctl.state.glance_file import recall

if TYPE_CHECKING:
    from docgenctl.engine.protocol import Engine


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What looking at a stack needs.

    `engine` is the setting's word, `servers` the names of all of them, `notes` what people should read.
    """

    project: Project
    state_dir: Path
    engine: str
    servers: tuple[str, ...]
    notes: tuple[str, ...]
    environ: Mapping[str, str]


def glance(directory: Path | None, environ: Mapping[str, str]) -> Glance | None:
    """The project of a directory if it is as it was when its configuration was last read, else None.

    Raises as `open_project` does for directories that cannot be used and files that cannot be read.
    """
    where = locate(directory)
    inputs = digest_of_inputs(where, environ)
    identity = project_id(where)
    state_dir = state_directory(Project(name="", id=identity, directory=where.resolve()), environ)
    remembered = recall(state_dir)
    if remembered is None or remembered.inputs != inputs:
        return None
    return Glance(
        project=Project(name=remembered.name, id=identity, directory=where.resolve()),
        state_dir=state_dir,
        engine=remembered.engine,
        servers=remembered.servers,
        notes=remembered.notes,
        environ=environ,
    )


def look_at(directory: Path | None, environ: Mapping[str, str]) -> tuple[Project, Engine]:
    """The project and the engine of its stack, for commands that only look.

    Raises as `open_project` and `open_engine` do.
    """
    from docgenctl.actions.open_engine import open_engine

    found = glance(directory, environ)
    if found is not None:
        return found.project, open_engine(found)
    from docgenctl.actions.open_project import open_project

    opened = open_project(directory, environ)
    return opened.project, open_engine(opened)

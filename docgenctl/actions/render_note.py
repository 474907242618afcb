"""Knowing that a render would change nothing, without rendering.

Theory of operation. What `render` writes follows from its circumstances: the configuration, the program with
its templates and server sources, what the state directory holds, the secrets that the environment names, the
workspace's owner and the base images made here. A render leaves a note with one digest of all these and the
digest of every file that it left behind. As long as circumstances and files are the note's, there is nothing
to do. Files that only docgenctl writes count by their inode, size and times; those in the workspace by their
content.

Three things cannot be in a digest: a remembered port or subnet may have been taken since, so each is tried
again; and a certificate is good for a time only, so the note holds as long as that. The note is derived and
may be deleted; whatever is wrong with it leads to a full render.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docgenctl.actions.changing import changing_state
from docgenctl.actions.circumstances import (
    circumstances_of,
    digest_of_parts,
    inputs_of,
    lies_there,
    own_ports,
    secret_variables,
    subnets_are_free,
)
from docgenctl.certificates.verdict import good_between
from docgenctl.files.private_files import remove_private
from docgenctl.host.ports import port_is_free
from docgenctl.planning.reconcile import refuse_foreign
from docgenctl.state import note_file

if TYPE_CHECKING:
    from docgenctl.actions.design_stack import Design
    from docgenctl.actions.glance import Glance
    from docgenctl.actions.open_engine import WhoseStack
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine
    from docgenctl.model.blueprint import Blueprint

_FILE = "render.json"
_LAYOUT = 1


def nothing_to_render(found: Glance, engine: Engine | None, *, wait_lock_s: float) -> tuple[str, ...] | None:
    """The paths of all rendered files when each is as a render would leave it, None when that is not sure.

    Holds the project's lock and leaves an entry in its history, as any render does. Raises LockedError, and
    RefusedError for a stack of another directory.
    """
    note = note_file.read_note(found.state_dir / _FILE, _LAYOUT)
    if note is None or not _holds(note, found, engine):
        return None
    with changing_state(found.state_dir, "docgenctl render", wait_s=wait_lock_s) as change:
        if not _holds(note, found, engine):  # somebody was at work while we waited
            return None
        change.nothing_changed()
        return tuple(sorted(note["files"]))


def leave_note(
    opened: OpenProject,
    engine: Engine | None,
    blueprint: Blueprint,
    design: Design,
) -> None:
    """Write down what has just been rendered, within the lock."""
    window = good_between(opened.state_dir)
    if window is None:
        return
    variables = secret_variables(opened.facts.values(), blueprint.servers)
    note = {
        "good": window,
        "bind": blueprint.settings.ports.bind,
        "ports": sorted(blueprint.ports.values()),
        "subnets": sorted(blueprint.subnets.values()),
        "variables": variables,
        "files": {path: digest_of_parts([text.encode()]) for path, text in design.files.items()},
        "circumstances": circumstances_of(opened, engine, variables),
        "inputs": opened.inputs,
    }
    note_file.leave_note(opened.state_dir / _FILE, _LAYOUT, note)


def forget_note(state_dir: Path) -> None:
    """What was rendered with flags, or not at all, is not what the next render would write."""
    remove_private(state_dir / _FILE)


def is_noted(state_dir: Path) -> bool:
    """Whether a render has left a note; without one there is nothing to look at."""
    return (state_dir / _FILE).exists()


def _holds(note: Mapping[str, Any], found: WhoseStack, engine: Engine | None) -> bool:
    try:
        begins, ends = note["good"]
        if not begins <= time.time() < ends or note["inputs"] != inputs_of(found):
            return False
        if not all(lies_there(found.project.directory, path, told) for path, told in note["files"].items()):
            return False
        observation = engine.observe(found.project.name) if engine else None
        if observation is not None:
            refuse_foreign(found.project, observation)
        if note["circumstances"] != circumstances_of(found, engine, note["variables"]):
            return False
        if not subnets_are_free(note["subnets"], observation):
            return False
        ours = set(own_ports(observation))
        return all(port in ours or port_is_free(note["bind"], port) for port in note["ports"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False

"""Keys to a stack that runs: its secrets volume is filled anew, and no container is touched.

Theory of operation. Which keys there are stands in the state directory, and changes there first. Then the
orchestrator's secrets volume gets a version that has them, by the same rename that any content is switched
by; the orchestrator looks at the file several times a second. Which version was delivered last is noted
afterwards, so a command that was killed in between has left a note that does not fit: the next one that
changes keys, and any `up`, fills the volume again, which does nothing where the version is there already.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl.actions.fill_in_contents import KEY_HOLDER, fill_in_contents
from docgenctl.actions.sketch_stack import sketch_stack
from docgenctl.model.plan import Plan, Verb
from docgenctl.model.stack import VolumePurpose
from docgenctl.planning.assemble_stack import volume_key
from docgenctl.planning.reconcile import refuse_foreign
from docgenctl.state import note_file

if TYPE_CHECKING:
    from docgenctl.actions.design_stack import Design
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine

_FILE = "keys-delivered.json"
_LAYOUT = 1
_VOLUME = volume_key(KEY_HOLDER, VolumePurpose.SECRETS)


def deliver_keys(opened: OpenProject, engine: Engine) -> bool:
    """Let the stack have the keys of the state; False when there is none whose containers exist.

    For holders of the project's lock. Raises EngineError, and RefusedError for another directory's stack.
    """
    observation = engine.observe(opened.project.name)
    refuse_foreign(opened.project, observation)
    holder = observation.container(KEY_HOLDER)
    sketch = sketch_stack(opened)
    volume = sketch.stack.volume(_VOLUME)
    if holder is None or volume.name not in {seen.name for seen in observation.volumes}:
        return False
    content = fill_in_contents(opened, sketch.blueprint, {})[_VOLUME]
    engine.fill_volume(content, volume, holder.image_id or holder.image)
    _note(opened.state_dir, content.version)
    return True


def deliver_after_plan(state_dir: Path, engine: Engine, plan: Plan, design: Design) -> None:
    """Finish what a killed command left: a plan is about containers, and none depends on these keys."""
    content = design.contents[_VOLUME]
    if _noted(state_dir) == content.version:
        return
    if f"{Verb.FILL_VOLUME}:{_VOLUME}" not in {step.id for step in plan.steps}:
        service = design.stack.service(KEY_HOLDER)
        engine.fill_volume(content, design.stack.volume(_VOLUME), service.image_id or service.image)
    _note(state_dir, content.version)


def _noted(state_dir: Path) -> str:
    note = note_file.read_note(state_dir / _FILE, _LAYOUT) or {}
    return str(note.get("version", ""))


def _note(state_dir: Path, version: str) -> None:
    if _noted(state_dir) != version:
        note_file.leave_note(state_dir / _FILE, _LAYOUT, {"version": version})

"""What the engine cannot tell of a running stack, so the project's state does: contents taken over, scale.

A container's label says what it was made with, for ever. What it has taken over since is noted by its id, the
moment it has shown that it works with it. A note that is missing costs a reload too many, never one too few.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from docgenctl.state.store import StateStore

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine
    from docgenctl.model.observed import Observation


def observe_remembering(opened: OpenProject, engine: Engine) -> Observation:
    """What is there of the project, with what its containers have reloaded."""
    observation = engine.observe(opened.project.name)
    there = {container.id for container in observation.containers}
    noted = StateStore(opened.state_dir).read().taken_over
    return replace(observation, taken_over={id_: content for id_, content in noted.items() if id_ in there})


def remembering(opened: OpenProject, observation: Observation) -> Callable[[str, str], None]:
    """Notes what a container works with from now on, and forgets those that are gone; for several threads."""
    store, changing = StateStore(opened.state_dir), threading.Lock()
    there = {container.id for container in observation.containers}

    def note(container_id: str, content: str) -> None:
        with changing:
            state = store.read()
            known = {id_: noted for id_, noted in state.taken_over.items() if id_ in there}
            store.write(state.model_copy(update={"taken_over": {**known, container_id: content}}))

    return note


def forget_scale(opened: OpenProject) -> None:
    """What `scale` said ends with the stack."""
    store = StateStore(opened.state_dir)
    state = store.read()
    if state.scaled is not None:
        store.write(state.model_copy(update={"scaled": None}))

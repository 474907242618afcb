"""`docgenctl render`: write every file, with or without an engine, and start nothing."""

from collections.abc import Callable
from dataclasses import replace

from docgenctl.actions.build_images import write_recipes
from docgenctl.actions.changing import changing
from docgenctl.actions.design_stack import Design, design_stack
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.actions.foresee_bases import foresee_bases
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.render_note import forget_note, leave_note
from docgenctl.engine.protocol import Engine
from docgenctl.planning.reconcile import refuse_foreign
from docgenctl.rendering.write import ChangeKind, FileChange, write_files


def render_files(
    opened: OpenProject, engine: Engine | None, say: Callable[[str], None]
) -> tuple[Design, tuple[FileChange, ...]]:
    """Write the files of the configured stack and return what changed.

    `say` is told of every port and subnet that is not the first choice, and why.

    Without an engine, or before the first build, base images appear under their configured names, and
    subnets avoid only what the host routes; the next `up` writes what it then knows.
    """
    with changing(opened, "docgenctl render") as change:
        observation = engine.observe(opened.project.name) if engine else None
        if observation is not None:
            refuse_foreign(opened.project, observation)
            # What is rendered is for containers, wherever they will run; `up` writes what processes read.
            observation = replace(observation, isolates=True)
        blueprint = draw_blueprint(
            opened, observation, find_holders=lambda ports: find_port_holders(ports, engine)
        )
        for change_of_place in (*blueprint.substitutions, *blueprint.subnet_moves):
            say(str(change_of_place))
        architecture = engine.info().architecture if engine else "amd64"
        # What nobody has pinned yet appears under its configured name, whatever the engine happens to have.
        known = foresee_bases(opened, None, architecture, shared_limits=blueprint.shared_limits)
        recipes = write_recipes(opened, blueprint, known.bases, architecture)
        design = design_stack(opened, blueprint, recipes)
        changes = write_files(opened.project.directory, design.files)
        if opened.flags_given:
            forget_note(opened.state_dir)
        else:
            leave_note(opened, engine, blueprint, design)
        if all(file.kind is ChangeKind.UNCHANGED for file in changes):
            change.nothing_changed()
        return design, changes

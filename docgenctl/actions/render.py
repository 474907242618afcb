"""`docgenctl render`: write every file, with or without an engine, and start nothing."""

from collections.abc import Callable
from dataclasses import replace

from docgenctl.actions.build_images import write_recipes
from docgenctl.actions.cache import cache_directory
from docgenctl.actions.changing import changing
from docgenctl.actions.choose_bases import MADE_HERE, Bases
from docgenctl.actions.design_stack import Design, design_stack
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.render_note import forget_note, leave_note
from docgenctl.engine.protocol import Engine
from docgenctl.images.base_image import find_base
from docgenctl.planning.reconcile import refuse_foreign
from docgenctl.rendering.write import ChangeKind, FileChange, write_files
from docgenctl.state.store import StateStore


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
        recipes = write_recipes(opened, blueprint, known_bases(opened, architecture), architecture)
        design = design_stack(opened, blueprint, recipes)
        changes = write_files(opened.project.directory, design.files)
        if opened.flags_given:
            forget_note(opened.state_dir)
        else:
            leave_note(opened, engine, blueprint, design)
        if all(file.kind is ChangeKind.UNCHANGED for file in changes):
            change.nothing_changed()
        return design, changes


def known_bases(opened: OpenProject, architecture: str) -> Bases:
    """The bases as pinned so far, as configured where nothing is pinned; pulls and makes nothing."""
    images = opened.configuration.settings.images
    pinned = StateStore(opened.state_dir).read().pinned_images
    made = find_base(cache_directory(opened.environ), architecture)

    def known(configured: str) -> tuple[str, bool]:
        if made is not None and pinned.get(configured) == MADE_HERE:
            return made.reference, True
        pin = pinned.get(configured, configured)
        return (configured if pin == MADE_HERE else pin), False

    gateway, gateway_made = known(images.gateway)
    egress, egress_made = known(images.egress)
    valkey, valkey_made = known(images.valkey)
    return Bases(
        server=known(images.base)[0],
        gateway=gateway,
        egress=egress,
        gateway_debs=made.gateway_debs if made and gateway_made else None,
        egress_debs=made.egress_debs if made and egress_made else None,
        valkey=valkey,
        valkey_debs=made.valkey_debs if made and valkey_made else None,
    )

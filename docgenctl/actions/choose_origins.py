"""Pin the images of others: to a digest at the first pull, like the base images."""

from collections.abc import Mapping

from docgenctl.actions.choose_bases import Pins
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.errors import EngineError
from docgenctl.model.progress import Reporter


def choose_origins(
    opened: OpenProject, blueprint: Blueprint, engine: Engine, reporter: Reporter, *, pull: bool = False
) -> Mapping[str, str]:
    """Server → immutable reference of its image; `pull` asks the registries again.

    Raises EngineError (`pull_failed`) when neither the engine nor a registry has one.
    """
    wanted = {server.name: server.origin.reference for server in blueprint.servers if server.origin}
    pins = Pins(opened.state_dir, engine, reporter)
    if pull:
        pins.forget(tuple(wanted.values()))
    found: dict[str, str] = {}
    for name, reference in wanted.items():
        pinned = pins.pinned(reference)
        if pinned is None:
            raise EngineError(
                f"servers/{name}: no registry gives the image {reference}, and the engine does not have it",
                hint=f"docker pull {reference} shows why; or load it into the engine: docker load",
                code="pull_failed",
                details=pins.failures,
            )
        found[name] = pinned
    return found

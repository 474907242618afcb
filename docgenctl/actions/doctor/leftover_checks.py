"""Checks of what older runs left in the engine: orphans, stages of old builds, images that nothing uses.

What is an orphan is decided by proof, not by age alone, because `--fix` removes it. A container's project
names its directory: that directory is gone. A network has no container of its project left, and is older than
an hour; the next `up` would make it again. Volumes that hold data are never removed, and other volumes only
when the project's directory is known to be gone: Compose needs them to start a stack that is down.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from docgenctl.actions.doctor.scene import Scene
from docgenctl.engine.protocol import Engine
from docgenctl.model.diagnosis import Outcome, Repair, ok, warning
from docgenctl.model.errors import DocgenError
from docgenctl.model.inventory import Inventory, InventoryContainer
from docgenctl.model.observed import ObservedImage
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from docgenctl.state.directory import state_base
from docgenctl.state.store import StateStore

_NETWORK_AGE_S = 3600.0
_LABEL_STAGE = "dev.docgenctl.stage=build"
#: The stages of the last builds are their cache: without one, the next build of that image takes longer.
_STAGE_AGE_S = 7 * 86_400.0
_IMAGE_AGE_S = 30 * 86_400.0


def orphans(scene: Scene) -> Outcome:
    """No containers, networks or volumes of projects whose directory is gone."""
    inventory = scene.inventory()
    gone = _gone_projects(scene, inventory)
    repairs = tuple(_orphan_repairs(scene.engine(), inventory, gone))
    kept = [
        volume.name for volume in inventory.volumes if volume.project_id in gone and volume.role == "data"
    ]
    told = [f"{len(kept)} data volumes are kept: docker volume rm {' '.join(kept[:5])}"] if kept else []
    if not repairs:
        return ok("nothing of a project that is gone", *told)
    return warning(
        f"{len(repairs)} leftovers of projects whose directory is gone, or of a run that was cut off",
        *(repair.what for repair in repairs[:20]),
        *told,
        fix="docgenctl doctor leftovers --fix",
        repairs=repairs,
    )


def _gone_projects(scene: Scene, inventory: Inventory) -> frozenset[str]:
    """Ids of projects whose directory is proved to be gone, by a container's label or by a state file."""
    directories: dict[str, set[str]] = {}
    for container in inventory.containers:
        if container.ours and container.directory:
            directories.setdefault(container.project_id, set()).add(container.directory)
    for project_id, directory in _remembered_directories(scene):
        directories.setdefault(project_id, set()).add(directory)
    return frozenset(
        project_id
        for project_id, places in directories.items()
        if all(Path(place).is_absolute() and not Path(place).exists() for place in places)
    )


def _remembered_directories(scene: Scene) -> Iterator[tuple[str, str]]:
    base = state_base(scene.environ)
    for path in base.iterdir() if base.is_dir() else ():
        try:
            directory = StateStore(path).read().directory
        except (DocgenError, OSError):
            continue
        if directory:
            yield path.name, directory


def _orphan_repairs(engine: Engine, inventory: Inventory, gone: frozenset[str]) -> Iterator[Repair]:
    alive = {each.project_id for each in inventory.containers if each.ours and each.project_id not in gone}
    for container in inventory.containers:
        if container.ours and container.project_id in gone:
            yield Repair(
                what=f"remove container {container.name} ({container.state}; {container.directory} is gone)",
                run=partial(engine.remove_container, container.id),
            )
    for network in inventory.networks:
        if not network.ours or network.project_id in alive or _in_use(network.name, inventory, gone):
            continue
        old = network.created_s and time.time() - network.created_s > _NETWORK_AGE_S
        if network.project_id in gone or old:
            yield Repair(
                what=f"remove network {network.name} (no container of its project is left)",
                run=partial(engine.remove_network, network.id),
            )
    for volume in inventory.volumes:
        if volume.ours and volume.project_id in gone and volume.role in ("config", "secrets", "scratch"):
            yield Repair(
                what=f"remove volume {volume.name} ({volume.role})",
                run=partial(engine.remove_volume, volume.name),
            )


def _in_use(network: str, inventory: Inventory, gone: frozenset[str]) -> bool:
    """Whether a container that stays is on it, even one that is not ours."""
    return any(network in each.networks and _stays(each, gone) for each in inventory.containers)


def _stays(container: InventoryContainer, gone: frozenset[str]) -> bool:
    return not (container.ours and container.project_id in gone)


def images(scene: Scene) -> Outcome:
    """No stages of builds of last week and before, no images older than a month that nothing runs."""
    engine = scene.engine()
    now = time.time()
    stages = [image for image in engine.list_images(_LABEL_STAGE) if not image.references]
    old_stages = [image for image in stages if image.created_s and image.created_s < now - _STAGE_AGE_S]
    used = {container.image_id for container in scene.inventory().containers}
    ours = [i for i in engine.list_images(LABEL_CONTENT_DIGEST) if i.references]
    unused = [i for i in ours if i.id not in used and i.created_s and i.created_s < now - _IMAGE_AGE_S]
    running = [i for i in ours if i.id in used]
    if not old_stages and not unused:
        return ok(f"{len(running)} images of ours run, {len(stages)} stages are kept as build cache")
    doomed = [(image, f"image {image.references[0]}") for image in unused]
    doomed += [(image, f"stage {image.id[7:19]} of a build more than a week ago") for image in old_stages]
    megabytes = sum(image.size_bytes for image, _ in doomed) / 1e6
    return warning(
        f"{len(old_stages)} stages of old builds and {len(unused)} images older than a month that nothing"
        f" runs take up to {megabytes:.0f} MB",
        *(what for _, what in doomed[:20]),
        fix="docgenctl doctor leftovers --fix",
        repairs=tuple(
            Repair(what=f"remove {what}", run=partial(_remove, engine, image)) for image, what in doomed
        ),
    )


def _remove(engine: Engine, image: ObservedImage) -> None:
    for reference in image.references or (image.id,):
        engine.remove_image(reference)

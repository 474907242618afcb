"""Everything of one home, for looking."""

from collections.abc import Mapping
from typing import Any

from docgenctl.engine.processes.places import Home, documents
from docgenctl.engine.processes.records import RUNNING, Condition, Made, observed
from docgenctl.model.inventory import Inventory, InventoryContainer, InventoryNetwork, InventoryVolume


def inventory(home: Home, *, supervised: bool) -> Inventory:
    """Containers, networks and volumes of every project in this home."""
    made = [Made.of(note) for note in documents(home.containers)]
    return Inventory(
        containers=tuple(
            _container(one, Condition.read(home, one.id), supervised=supervised) for one in made
        ),
        networks=tuple(_network(note) for note in documents(home.networks)),
        volumes=tuple(
            InventoryVolume(name=note["name"], labels=note["labels"]) for note in documents(home.volumes)
        ),
    )


def _container(made: Made, condition: Condition, *, supervised: bool) -> InventoryContainer:
    seen = observed(made, condition, supervised=supervised)
    return InventoryContainer(
        id=made.id,
        name=made.name,
        labels=made.labels,
        state=seen.state,
        image_id=made.image_id,
        ports=made.ports if seen.state in RUNNING else (),
        networks=tuple(sorted(made.networks)),
    )


def _network(note: Mapping[str, Any]) -> InventoryNetwork:
    return InventoryNetwork(
        id=note["name"], name=note["name"], labels=note["labels"], subnets=(note["subnet"],)
    )

"""Who holds host ports: the containers that publish them, else the processes that the kernel names."""

from collections.abc import Iterable, Mapping

from docgenctl.engine.protocol import Engine
from docgenctl.host.socket_tables import port_holders
from docgenctl.model.errors import EngineError
from docgenctl.model.inventory import Inventory
from docgenctl.model.ports import PortHolder


def find_port_holders(ports: Iterable[int], engine: Engine | None) -> dict[int, PortHolder]:
    """Port → holder, for those of `ports` of which one is known.

    A port that a container publishes is told as that container's, not as the engine's helper process's. An
    engine that does not answer counts as none.
    """
    wanted = frozenset(ports)
    try:
        inventory = engine.inventory() if engine else Inventory()
    except EngineError:
        inventory = Inventory()
    return {**port_holders(wanted), **publishing_containers(wanted, inventory)}


def publishing_containers(ports: frozenset[int], inventory: Inventory) -> Mapping[int, PortHolder]:
    """Port → the container that publishes it."""
    return {
        port.host_port: PortHolder(
            port=port.host_port,
            address=port.host_ip,
            container=container.name,
            project=container.project,
        )
        for container in inventory.containers
        for port in container.ports
        if port.host_port in ports
    }

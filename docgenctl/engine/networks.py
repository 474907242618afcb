"""Networks of the engine: made once, removed wholly, and there before anything is put on them.

Engine 20.10 makes a second network of a name without a word, and takes a container on a network that does
not exist, to fail when it is started. Both are looked up here first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from docgenctl.engine.client import answers, gone_is_fine
from docgenctl.engine.container_spec import aliases, network_body
from docgenctl.engine.labels import network_labels
from docgenctl.model.errors import EngineError, SubnetTakenError
from docgenctl.model.observed import ObservedContainer
from docgenctl.model.stack import LABEL_SPEC_DIGEST, Network, Service, Stack

if TYPE_CHECKING:
    from docker import APIClient


def create(api: APIClient, network: Network, stack: Stack) -> None:
    """Create it unless it is there as wanted. Raises SubnetTakenError, and EngineError for a namesake."""
    labels = network_labels(network, stack)
    for present in _named(api, network.name):
        if (present.get("Labels") or {}).get(LABEL_SPEC_DIGEST) == labels[LABEL_SPEC_DIGEST]:
            return
        raise EngineError(
            f"there is another network named {network.name}", hint=f"docker network rm {network.name}"
        )
    body = network_body(network, labels)
    try:
        with answers(f"create network {network.name}"):
            api.create_network(
                body["Name"],
                driver=body["Driver"],
                options=body["Options"],
                ipam=body["IPAM"],
                check_duplicate=body["CheckDuplicate"],
                internal=body["Internal"],
                labels=body["Labels"],
            )
    except SubnetTakenError as error:
        raise SubnetTakenError(
            f"subnet {network.subnet} of network {network.name} overlaps another network",
            subnet=network.subnet,
            hint="docgenctl up",
        ) from error


def remove(api: APIClient, name: str) -> None:
    """Remove it by name or id; by name, every one of that name."""
    for network_id in [str(entry["Id"]) for entry in _named(api, name)] or [name]:
        with gone_is_fine(), answers(f"remove network {name}"):
            api.remove_network(network_id)


def connect(
    api: APIClient,
    container_id: str,
    service: Service,
    key: str,
    stack: Stack,
    present: ObservedContainer | None,
    number: int = 1,
) -> None:
    """Put a container on a network under its names there, unless it is, by what is known of it."""
    network, place = stack.network(key), next(it for it in service.networks if it.network == key)
    number = present.number if present else number
    if present and network.name in present.networks:
        return
    with answers(f"connect {service.name_of(number)} to network {network.name}"):
        api.connect_container_to_network(container_id, network.name, aliases=aliases(service, place, number))


def disconnect(api: APIClient, container_id: str, name: str) -> None:
    """Take a container off a network."""
    with gone_is_fine(), answers(f"disconnect container {container_id[:12]} from network {name}"):
        api.disconnect_container_from_network(container_id, name)


def require(api: APIClient, service: Service, stack: Stack) -> None:
    """Raise EngineError when a network of the service is not there."""
    with answers("look for networks"):
        present = {entry.get("Name") for entry in api.networks()}
    for place in service.networks:
        name = stack.network(place.network).name
        if name not in present:
            raise EngineError(
                f"cannot create container {service.container_name}: network {name} not found",
                hint="docgenctl up",
            )


def _named(api: APIClient, name: str) -> list[Mapping[str, Any]]:
    """Networks of exactly that name; the engine's own filter matches parts of names too."""
    with answers(f"look for network {name}"):
        return [entry for entry in api.networks(names=[name]) if entry.get("Name") == name]

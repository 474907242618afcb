"""Networks as notes: who may know of whom. Nothing enforces them, and nothing claims to."""

from ipaddress import ip_network

from docgenctl.engine.labels import COMPOSE_PROJECT, network_labels
from docgenctl.engine.processes.places import Home, documents, read_json, write_json
from docgenctl.model.errors import EngineError, SubnetTakenError
from docgenctl.model.observed import ObservedNetwork
from docgenctl.model.stack import LABEL_SPEC_DIGEST, Network, Stack


def create_network(home: Home, network: Network, stack: Stack) -> None:
    """Note it. Raises SubnetTakenError, and EngineError for another network of that name."""
    path = home.networks / f"{network.name}.json"
    note = read_json(path)
    if note is not None:
        if note["labels"].get(LABEL_SPEC_DIGEST) == network.digest:
            return
        raise EngineError(f"there is another network named {network.name}", hint="docgenctl down")
    wanted = ip_network(network.subnet)
    for other in documents(home.networks):
        if wanted.overlaps(ip_network(other["subnet"])):
            raise SubnetTakenError(
                f"cannot create network {network.name}: {network.subnet} overlaps {other['name']}",
                subnet=network.subnet,
                hint="docgenctl up takes another one",
            )
    write_json(
        path,
        {"name": network.name, "subnet": network.subnet, "labels": network_labels(network, stack)},
    )


def remove_network(home: Home, name: str) -> None:
    """Forget it. Raises EngineError while a container is on it."""
    for document in documents(home.containers):
        if name in document["networks"]:
            raise EngineError(
                f"cannot remove network {name}: container {document['name']} is on it", hint="docgenctl down"
            )
    (home.networks / f"{name}.json").unlink(missing_ok=True)


def observe_networks(home: Home, project: str) -> tuple[tuple[ObservedNetwork, ...], tuple[str, ...]]:
    """The project's networks, and the subnets of all others."""
    own, foreign = [], []
    for note in documents(home.networks):
        if note["labels"].get(COMPOSE_PROJECT) == project:
            own.append(
                ObservedNetwork(
                    id=note["name"], name=note["name"], subnet=note["subnet"], labels=note["labels"]
                )
            )
        else:
            foreign.append(note["subnet"])
    return tuple(own), tuple(foreign)

"""Networks as notes: who may know of whom. Nothing enforces them, and nothing claims to."""

from dataclasses import replace
from ipaddress import ip_network

from docgenctl.engine.labels import COMPOSE_PROJECT, network_labels
from docgenctl.engine.processes.launch import peers, peers_file, socket_name
from docgenctl.engine.processes.places import Home, documents, read_json, write_json
from docgenctl.engine.processes.records import Made
from docgenctl.files.private_files import write_private
from docgenctl.model.errors import EngineError, SubnetTakenError
from docgenctl.model.observed import ObservedNetwork
from docgenctl.model.stack import LABEL_SPEC_DIGEST, Network, Service, Stack


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


def connect_network(home: Home, made: Made, service: Service, key: str, stack: Stack) -> None:
    """Note that a container is on a network, and tell its process whom it meets there. Raises EngineError."""
    name = stack.network(key).name
    if read_json(home.networks / f"{name}.json") is None:
        raise EngineError(f"network {name} not found", hint="docgenctl up")
    replace(made, networks={**made.networks, name: socket_name(service)}).write(home)
    write_private(peers_file(home, made.id), peers(service, stack).encode())


def disconnect_network(home: Home, container_id: str, name: str) -> None:
    """Forget it; whom the process was told of, it still knows."""
    made = Made.read(home, container_id)
    if made is not None and name in made.networks:
        left = {network: socket for network, socket in made.networks.items() if network != name}
        replace(made, networks=left).write(home)


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

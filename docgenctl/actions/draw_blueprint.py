"""Decide ports and subnets against what is free right now, and remember them."""

import secrets
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network

from docgenctl import __version__
from docgenctl.actions.open_project import OpenProject
from docgenctl.host.ports import port_is_free
from docgenctl.host.routes import routed_networks
from docgenctl.host.workspace import service_owner
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.observed import Observation
from docgenctl.model.state import State
from docgenctl.planning.assemble_stack import is_open, network_keys
from docgenctl.planning.choose_ports import choose_ports
from docgenctl.planning.choose_subnets import choose_subnets
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.state.store import StateStore


def draw_blueprint(
    opened: OpenProject,
    observation: Observation | None,
    *,
    busy_ports: frozenset[int] = frozenset(),
    busy_subnets: frozenset[str] = frozenset(),
) -> Blueprint:
    """The blueprint of the configured stack, with ports and subnets chosen, and written to the state.

    `observation` is None without an engine: subnets then avoid only what the host routes. `busy_ports`
    and `busy_subnets` were found taken when somebody tried to use them.
    """
    settings = opened.configuration.settings
    store = StateStore(opened.state_dir)
    state = store.read()
    servers = resolve_servers(settings, opened.facts)
    keys = network_keys(tuple(server.name for server in servers))
    ports = choose_ports(
        wanted_ports(settings, servers),
        state.ports,
        _free_ports(settings.ports.bind, observation, busy_ports),
    )
    subnets = choose_subnets(
        {
            key: settings.networks.frontend_pool if is_open(key) else settings.networks.backend_pool
            for key in keys
        },
        state.subnets,
        _taken_networks(observation, busy_subnets),
    )
    _remember(store, state, opened, ports, subnets)
    return Blueprint(
        project=opened.project,
        settings=settings,
        servers=servers,
        ports=ports,
        subnets=subnets,
        owner=service_owner(opened.project.directory),
        tool_version=__version__,
        isolates=observation.isolates if observation else True,
    )


def _remember(
    store: StateStore, state: State, opened: OpenProject, ports: dict[str, int], subnets: dict[str, str]
) -> None:
    """Ports of servers that are switched off stay remembered, so that they come back with the server."""
    remembered = state.model_copy(
        update={
            "project": opened.project.name,
            "directory": str(opened.project.directory),
            "ports": state.ports | ports,
            "subnets": state.subnets | subnets,
            "digest_salt": state.digest_salt or secrets.token_hex(32),
        }
    )
    if remembered != state:
        store.write(remembered)


def _free_ports(bind: str, observation: Observation | None, busy: frozenset[int]) -> Callable[[int], bool]:
    ours = {
        port.host_port
        for container in (observation.containers if observation else ())
        if container.state in ("running", "restarting", "paused")
        for port in container.ports
    }

    def is_free(port: int) -> bool:
        return port in ours or (port not in busy and port_is_free(bind, port))

    return is_free


def _taken_networks(observation: Observation | None, busy: Iterable[str]) -> list[IPv4Network]:
    """What engine and host use; our own networks are on the host's routes too and do not count."""
    ours = {network.subnet for network in observation.networks} if observation else set()
    taken = [network for network in routed_networks() if str(network) not in ours]
    taken += [IPv4Network(subnet) for subnet in (observation.foreign_subnets if observation else ())]
    return [*taken, *(IPv4Network(subnet) for subnet in busy)]

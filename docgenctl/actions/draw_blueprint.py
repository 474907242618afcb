"""Decide ports and subnets against what is free right now, and remember them."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network

from docgenctl import __version__
from docgenctl.actions.open_project import OpenProject
from docgenctl.host.ports import probing
from docgenctl.host.routes import routes
from docgenctl.host.socket_tables import port_holders
from docgenctl.host.workspace import service_owner
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.errors import PortTakenError, SubnetTakenError
from docgenctl.model.observed import Observation
from docgenctl.model.ports import PortHolder, PortSubstitution, SubnetMove
from docgenctl.model.setting_values import PortRange
from docgenctl.model.state import State, SubstitutedPort
from docgenctl.planning.assemble_stack import is_open, network_keys
from docgenctl.planning.choose_ports import choose_ports, find_substitutions
from docgenctl.planning.choose_replicas import (
    limits_are_shared,
    refuse_several,
    refuse_shared_limits,
    replicas_wanted,
    still_scaled,
)
from docgenctl.planning.choose_subnets import choose_subnets
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.state.store import StateStore

#: From ports to who holds them.
FindHolders = Callable[[Iterable[int]], Mapping[int, PortHolder]]


def draw_blueprint(
    opened: OpenProject,
    observation: Observation | None,
    *,
    busy_ports: frozenset[int] = frozenset(),
    busy_subnets: frozenset[str] = frozenset(),
    find_holders: FindHolders = port_holders,
) -> Blueprint:
    """The blueprint of the configured stack, with ports and subnets chosen, and written to the state.

    `observation` is None without an engine: subnets then avoid only what the host routes, and ports stay as
    they are remembered, since whoever holds them may be this stack. `busy_ports`
    and `busy_subnets` were found taken when somebody tried to use them. `find_holders` is asked only when a
    port is not the first choice. Raises PortTakenError with what was tried, and SubnetTakenError.
    """
    settings = opened.configuration.settings
    store = StateStore(opened.state_dir)
    state = store.read()
    servers = resolve_servers(settings, opened.facts)
    isolates = observation.isolates if observation else True
    replicas = replicas_wanted(settings, state.scaled)
    if replicas > 1:
        refuse_several(settings, isolates=isolates)
    refuse_shared_limits(settings, isolates=isolates)
    shared_limits = limits_are_shared(settings, replicas, isolates=isolates)
    keys = network_keys(tuple(server.name for server in servers), shared_limits=shared_limits)
    wanted = wanted_ports(settings, servers)
    unseen = frozenset(state.ports.values()) if observation is None else frozenset()
    with _free_ports(settings.ports.bind, observation, busy_ports, unseen) as is_free:
        try:
            ports = choose_ports(wanted, state.ports, is_free)
        except PortTakenError as error:
            error.details = tuple(_tried(error.tried, find_holders))
            raise
    substitutions = _explained(wanted, state.ports, ports, find_holders)
    pools = {
        key: settings.networks.frontend_pool if is_open(key) else settings.networks.backend_pool
        for key in keys
    }
    # Without containers a subnet is a note: what others use is in nobody's way, and no cause to begin anew.
    taken = _taken_networks(observation, busy_subnets) if isolates else {}
    try:
        subnets = choose_subnets(pools, state.subnets, taken)
    except SubnetTakenError as error:
        error.details = tuple(_in_the_way(IPv4Network(error.subnet), taken))
        raise
    _remember(store, state, opened, ports, subnets, substitutions)
    return Blueprint(
        project=opened.project,
        settings=settings,
        servers=servers,
        ports=ports,
        subnets=subnets,
        owner=service_owner(opened.project.directory),
        tool_version=__version__,
        isolates=isolates,
        replicas=replicas,
        shared_limits=shared_limits,
        substitutions=substitutions,
        subnet_moves=tuple(moved_subnets(state.subnets, subnets, taken)),
    )


def _explained(
    wanted: Mapping[str, PortRange],
    remembered: Mapping[str, int],
    ports: Mapping[str, int],
    find_holders: FindHolders,
) -> tuple[PortSubstitution, ...]:
    """The substitutions, with who holds the ports that were passed over."""
    found = find_substitutions(wanted, remembered, ports)
    others = [substitution.instead_of for substitution in found if not substitution.beside]
    holders = find_holders(others) if others else {}
    return tuple(replace(each, holder=holders.get(each.instead_of)) for each in found)


#: Of a hundred holders, as many lines as fit on a screen.
_SHOWN = 12


def _tried(ranges: Mapping[str, tuple[int, int]], find_holders: FindHolders) -> Iterator[str]:
    """For every purpose without a port: which ports were tried, and who holds them."""
    every = sorted({port for first, last in ranges.values() for port in range(first, last + 1)})
    holders = find_holders(every)
    for purpose, (first, last) in ranges.items():
        span = f"port {first}" if first == last else f"all {last - first + 1} ports from {first} to {last}"
        yield f"{purpose}: tried {span}"
    for port in every[:_SHOWN]:
        yield f"  {port}: {holders.get(port) or 'taken, the system does not tell by whom'}"
    if len(every) > _SHOWN:
        yield f"  and {len(every) - _SHOWN} more: docgenctl ports diagnose PORT"


def _remember(
    store: StateStore,
    state: State,
    opened: OpenProject,
    ports: Mapping[str, int],
    subnets: Mapping[str, str],
    substitutions: tuple[PortSubstitution, ...],
) -> None:
    """Ports of servers that are switched off stay remembered, so that they come back with the server."""
    remembered = state.model_copy(
        update={
            "project": opened.project.name,
            "directory": str(opened.project.directory),
            "bind": opened.configuration.settings.ports.bind,
            "ports": {**state.ports, **ports},
            "substituted_ports": _substituted(state, ports, substitutions),
            "subnets": {**state.subnets, **subnets},
            "digest_salt": state.digest_salt or secrets.token_hex(32),
            "scaled": still_scaled(opened.configuration.settings, state.scaled),
        }
    )
    if remembered != state:
        store.write(remembered)


def _substituted(
    state: State, ports: Mapping[str, int], substitutions: tuple[PortSubstitution, ...]
) -> dict[str, SubstitutedPort]:
    """Reasons are kept as long as the port they explain."""
    kept = {
        purpose: reason
        for purpose, reason in state.substituted_ports.items()
        if ports.get(purpose, reason.port) == reason.port
    }
    for new in substitutions:
        holder = f"this stack's {new.beside}" if new.beside else str(new.holder or "another process")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept[new.purpose] = SubstitutedPort(port=new.port, instead_of=new.instead_of, holder=holder, at=at)
    return kept


@contextmanager
def _free_ports(
    bind: str, observation: Observation | None, busy: frozenset[int], unseen: frozenset[int]
) -> Iterator[Callable[[int], bool]]:
    """`unseen` are ports that count as ours where no engine tells what our containers hold."""
    ours = unseen | {
        port.host_port
        for container in (observation.containers if observation else ())
        if container.state in ("running", "restarting", "paused")
        for port in container.ports
    }
    with probing(bind) as can_bind:
        yield lambda port: port in ours or (port not in busy and can_bind(port))


def _taken_networks(observation: Observation | None, busy: Iterable[str]) -> dict[IPv4Network, str]:
    """What engine and host use, and who; our own networks are on the host's routes too and do not count."""
    ours = {network.subnet for network in observation.networks} if observation else set()
    taken = {IPv4Network(subnet): "another network of the host" for subnet in busy}
    for subnet in observation.foreign_subnets if observation else ():
        taken[IPv4Network(subnet)] = "another network of the engine"
    for route in routes():
        if str(route.network) not in ours:
            taken.setdefault(route.network, f"the host's route over {route.interface}")
    return taken


def _in_the_way(pool: IPv4Network, taken: Mapping[IPv4Network, str]) -> Iterator[str]:
    """Who takes room in a pool, largest first."""
    blocking = sorted((n for n in taken if n.overlaps(pool)), key=lambda n: (n.prefixlen, n))
    for network in blocking[:_SHOWN]:
        yield f"{network}: {taken[network]}"
    if len(blocking) > _SHOWN:
        yield f"and {len(blocking) - _SHOWN} more: docgenctl doctor network/subnets"


def moved_subnets(
    before: Mapping[str, str], after: Mapping[str, str], taken: Mapping[IPv4Network, str]
) -> Iterator[SubnetMove]:
    """Networks that had to leave the subnet they had, and what they made way for."""
    for key, subnet in after.items():
        old = before.get(key, subnet)
        if old != subnet:
            cause = _why_moved(IPv4Network(old), after, taken)
            yield SubnetMove(network=key, subnet=subnet, instead_of=old, cause=cause)


def _why_moved(old: IPv4Network, after: Mapping[str, str], taken: Mapping[IPv4Network, str]) -> str:
    blocking = next((network for network in taken if network.overlaps(old)), None)
    if blocking is not None:
        return f"{taken[blocking]} ({blocking}) overlaps it"
    # While its network was not there (a scaled-down stack has no store), another one of ours may have got it.
    heir = next((key for key, subnet in after.items() if IPv4Network(subnet).overlaps(old)), None)
    return f"{heir} got it meanwhile" if heir is not None else "its pool was changed"

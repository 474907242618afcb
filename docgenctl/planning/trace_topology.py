"""From a stack to its picture's content: rows of services by their distance from the host, and the networks.

Nothing here knows a service by name. Who publishes a port stands in the first row, whoever shares a network
with a row stands in the next, and whoever has a way out of his own stands in the last.
"""

from collections.abc import Iterator, Mapping, Sequence

from docgenctl.model.stack import Network, PortBinding, Service, Stack
from docgenctl.model.topology import HOST, OUTSIDE, Line, Topology

_HEALTH = "_health"
#: The port of the one endpoint for everything.
_EVERYTHING = "orchestrator"


def trace_topology(
    stack: Stack, *, port_words: Mapping[str, str] | None = None, allowed: Mapping[str, Sequence[str]]
) -> Topology:
    """The topology of a stack.

    Args:
        stack: as it shall run.
        port_words: purpose → what to write for the host port; the bound number where it is not there.
        allowed: server → hosts that the egress proxy opens for it.
    """
    ports = [port for service in stack.services for port in service.ports]
    words = port_words or {}
    return Topology(
        project=stack.project,
        address=ports[0].host_ip if ports else "",
        rows=_rows(stack),
        lines=tuple(_line(network, stack) for network in stack.networks),
        ports=tuple(f"{words.get(port.purpose, port.host_port)} {meaning(port)}" for port in ports),
        allowed=tuple(f"{', '.join(hosts)} for {name}" for name, hosts in sorted(allowed.items()) if hosts),
    )


def meaning(port: PortBinding) -> str:
    """What a published port leads to, in words."""
    if port.purpose == _EVERYTHING:
        return "everything"
    if port.purpose.endswith(_HEALTH):
        return f"readiness of {port.purpose.removesuffix(_HEALTH)}"
    return f"{port.purpose} alone"


def has_way_out(network: Network, stack: Stack) -> bool:
    """Whether members of this network can open connections to the outside."""
    return not network.closed and network.masquerade and bool(_members(network, stack))


def _line(network: Network, stack: Stack) -> Line:
    members = _members(network, stack)
    published = not network.closed and any(service.ports for service in members)
    return Line(
        network=network.key,
        closed=network.closed,
        ends=(
            *((HOST,) if published else ()),
            *(service.name for service in members),
            *((OUTSIDE,) if has_way_out(network, stack) else ()),
        ),
    )


def _members(network: Network, stack: Stack) -> tuple[Service, ...]:
    return tuple(
        service
        for service in stack.services
        if any(place.network == network.key for place in service.networks)
    )


def _rows(stack: Stack) -> tuple[tuple[str, ...], ...]:
    out = {
        service.name
        for network in stack.networks
        if has_way_out(network, stack)
        for service in _members(network, stack)
        if not service.ports
    }
    inner = [service.name for service in stack.services if service.name not in out]
    first = [service.name for service in stack.services if service.ports]
    rows = [*_distances(stack, first, inner)]
    left = [name for name in inner if not any(name in row for row in rows)]
    return tuple(tuple(sorted(row)) for row in (*rows, left, sorted(out)) if row)


def _distances(stack: Stack, first: list[str], inner: list[str]) -> Iterator[list[str]]:
    """Rows of services, each one network further from the first."""
    places = {service.name: {place.network for place in service.networks} for service in stack.services}
    seen: set[str] = set()
    row = first
    while row:
        yield row
        seen.update(row)
        reach = {network for name in row for network in places[name]}
        row = [name for name in inner if name not in seen and places[name] & reach]

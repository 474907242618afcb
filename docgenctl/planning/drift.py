"""What was changed by hand: the engine's actual values against those that something was made with.

Labels only tell what we set. A value that is None was not observed (an engine that has no such thing), and
counts as unchanged.
"""

from collections.abc import Iterable

from docgenctl.model.observed import Observation, ObservedContainer, ObservedNetwork
from docgenctl.model.stack import (
    LABEL_CONTENT_DIGEST,
    LABEL_SPEC_DIGEST,
    Limits,
    Network,
    Service,
    Stack,
)
from docgenctl.planning.live_changes import is_live, tied_networks

#: Options of the bridge driver that decide who reaches whom; engines add others of their own.
_DECISIVE_OPTIONS = (
    "com.docker.network.bridge.inhibit_ipv4",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.bridge.enable_icc",
)
_BY_HAND = "by hand"


def container_drift(service: Service, stack: Stack, container: ObservedContainer) -> str | None:
    """Why the container has to be made anew, None when nothing is wrong that only this repairs.

    A container that runs is put on its networks, and taken off others, as it runs: see `live_changes`.
    """
    if container.name != service.name_of(container.number):
        return f"renamed {_BY_HAND}: {container.name}"
    if service.image_id and container.image_id and container.image_id != service.image_id:
        return f"image {service.image} is another build now"
    causes = [
        *_networks(service, stack, container),
        *(f"{it} set {_BY_HAND}" for it in container.other_limits),
    ]
    return ", ".join(causes) or None


def limits_drift(service: Service, container: ObservedContainer) -> str | None:
    """Which limits or which restart policy somebody changed on the container as it runs, None when none."""
    causes: list[str] = []
    if container.limits is not None and container.limits != service.limits:
        causes += _limits(service.limits, container.limits)
    if container.restart and container.restart != service.restart:
        causes.append(f"restart policy {container.restart}, configured {service.restart}")
    return f"changed {_BY_HAND}: {', '.join(causes)}" if causes else None


def _limits(wanted: Limits, seen: Limits) -> Iterable[str]:
    from docgenctl.model.setting_values import format_size  # pydantic with it, and drift is rare

    if seen.cpus != wanted.cpus:
        yield f"CPU limit {seen.cpus:g}, configured {wanted.cpus:g}"
    if seen.memory_bytes != wanted.memory_bytes:
        shown = format_size(seen.memory_bytes) if seen.memory_bytes else "none"
        yield f"memory limit {shown}, configured {format_size(wanted.memory_bytes)}"
    if seen.pids != wanted.pids:
        yield f"process limit {seen.pids or 'none'}, configured {wanted.pids}"


def _networks(service: Service, stack: Stack, container: ObservedContainer) -> Iterable[str]:
    if container.state == "created" and not container.networks:
        return  # some engines list networks only once it has run
    lasting = tied_networks(service, stack) if is_live(container) else None
    wanted = {stack.network(place.network).name: place for place in service.networks}
    for name, place in wanted.items():
        if lasting is not None and name not in lasting:
            continue
        if name not in container.networks:
            yield f"disconnected from network {place.network} {_BY_HAND}"
        elif name in container.aliases and not {*place.aliases, service.name} <= set(container.aliases[name]):
            yield f"connected anew to network {place.network} {_BY_HAND}, without its name there"
    if lasting is None:
        for name in sorted(set(container.networks) - set(wanted)):
            yield f"connected to network {name} {_BY_HAND}"


def network_drift(network: Network, seen: ObservedNetwork) -> str | None:
    """Why a network has to be made anew, None when it is as wanted."""
    if seen.labels.get(LABEL_SPEC_DIGEST) is None:
        return f"made {_BY_HAND} under this name"
    if seen.subnet != network.subnet:
        return f"subnet {seen.subnet or 'none'} → {network.subnet}"
    if seen.closed is not None and seen.closed != network.closed:
        return f"{'open' if network.closed else 'closed'} {_BY_HAND}"
    if seen.options is not None:
        for key in _DECISIVE_OPTIONS:
            if seen.options.get(key) != network.driver_options.get(key):
                return f"option {key.rpartition('.')[2]} changed {_BY_HAND}"
    if seen.labels.get(LABEL_SPEC_DIGEST) != network.digest:
        return "changed"
    return None


def foreign_members(stack: Stack, observation: Observation) -> tuple[str, ...]:
    """A sentence for each container that is not of this stack and sits on one of its closed networks."""
    closed = {network.name: network.key for network in stack.networks if network.closed}
    return tuple(
        f"container {member} is not part of this stack and is connected to its closed network "
        f"{closed[network.name]}; if it should not be: docker network disconnect {network.name} {member}"
        for network in observation.networks
        if network.name in closed
        for member in network.foreign_members
    )


def service_difference(service: Service, container: ObservedContainer) -> str:
    """What differs between a container and the service that it should be, in words."""
    if container.image != service.image:
        return f"image {_short(container.image)} → {_short(service.image)}"
    if service.reload is None and container.labels.get(LABEL_CONTENT_DIGEST) != service.content:
        return "its configuration or secrets changed"
    seen = {(port.host_ip, port.host_port, port.container_port) for port in container.ports}
    wanted = {(port.host_ip, port.host_port, port.container_port) for port in service.ports}
    if seen != wanted and container.ports:
        return "its ports changed"
    return "its definition changed"


def _short(reference: str) -> str:
    return reference if len(reference) < 60 else f"{reference[:40]}…"

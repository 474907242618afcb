"""What a running container takes over as it is: other networks, and new content of its volumes.

A container is recreated for neither. Two things limit that. Only one that runs can be changed as it runs; any
other is made anew, which costs nobody anything. And who publishes ports does so on an open network: leaving
it would end the publishing, so for that network it is recreated, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from docgenctl.model.observed import Observation, ObservedContainer
from docgenctl.model.stack import Service, Stack

_BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkChange:
    """A network to leave (`name` is the engine's) or to join (`key` is the stack's), with the cause."""

    cause: str
    key: str = ""
    name: str = ""


def is_live(container: ObservedContainer) -> bool:
    """Whether it runs, so that it can be changed as it does."""
    return container.state == "running"


def tied_networks(service: Service, stack: Stack) -> frozenset[str]:
    """Engine names of the networks that this service cannot leave and join again while it runs."""
    if not service.ports:
        return frozenset()
    places = (stack.network(place.network) for place in service.networks)
    return frozenset(network.name for network in places if not network.closed)


def networks_to_leave(
    service: Service, stack: Stack, container: ObservedContainer, outdated: frozenset[str]
) -> Iterable[NetworkChange]:
    """Networks that it is on and should not be, or not as it is; `outdated` are made anew."""
    wanted = {stack.network(place.network).name: place for place in service.networks}
    ours = f"{stack.project}_"
    for name in sorted(container.networks):
        if name in outdated:
            yield NetworkChange(name=name, cause="the network changes")
        elif name not in wanted:
            cause = "no longer part of the stack" if name.startswith(ours) else f"connected {_BY_HAND}"
            yield NetworkChange(name=name, cause=cause)
        elif name in container.aliases and not {*wanted[name].aliases, service.name} <= set(
            container.aliases[name]
        ):
            yield NetworkChange(name=name, cause=f"connected anew {_BY_HAND}, without its name there")


def networks_to_join(
    service: Service,
    stack: Stack,
    container: ObservedContainer,
    left: Iterable[str],
    fresh: frozenset[str],
) -> Iterable[NetworkChange]:
    """Networks that it should be on and is not, or has just `left`; `fresh` are those that are new."""
    gone = set(left)
    for place in service.networks:
        name = stack.network(place.network).name
        if name in fresh:
            yield NetworkChange(key=place.network, cause="the network is new")
        elif name in gone:
            yield NetworkChange(key=place.network, cause=f"connected anew {_BY_HAND}, without its name there")
        elif name not in container.networks:
            yield NetworkChange(key=place.network, cause=f"disconnected {_BY_HAND}")


def content_change(service: Service, container: ObservedContainer, observation: Observation) -> str | None:
    """What of the content of its volumes is new to a container, in words; None for nothing."""
    seen = observation.content_of(container)
    if seen == service.content:
        return None
    before, after = seen.split("."), service.content.split(".")
    if len(before) != len(after):
        return "configuration changed"
    words = ("configuration", "secrets")
    changed = [word for word, old, new in zip(words, before, after, strict=False) if old != new]
    return f"{' and '.join(changed) or 'configuration'} changed"

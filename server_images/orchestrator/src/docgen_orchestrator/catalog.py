"""What all servers offer together, and which server a name belongs to.

A name that two servers offer is served by neither: a caller must never reach another server than it meant,
and which one wins would otherwise depend on who answered first. Both owners are named to whoever calls it, in
the log and in readiness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from mcp.shared.uri_template import UriTemplate

from docgen_orchestrator.offer import HeaderMap, Item, Offer
from docgen_orchestrator.routing import Route


class Source(Protocol):
    """What the catalog needs to know of a server."""

    @property
    def route(self) -> Route:
        """Where it is, and what its names look like."""

    offer: Offer | None


SourceT = TypeVar("SourceT", bound=Source)


class NotOfferedError(Exception):
    """No server offers this; the message is for the caller."""


class AmbiguousError(NotOfferedError):
    """Several servers offer this; the message names them."""


@dataclass(frozen=True)
class Catalog(Generic[SourceT]):
    """The merged offers of ``sources``, which are sorted by name."""

    sources: Sequence[SourceT]
    offers: Sequence[Offer | None]

    @cached_property
    def tools(self) -> Mapping[str, Item]:
        """All tools by name, without colliding ones."""
        return self._merged(lambda offer: offer.tools)

    @cached_property
    def resources(self) -> Mapping[str, Item]:
        """All resources by URI, without colliding ones."""
        return self._merged(lambda offer: offer.resources)

    @cached_property
    def templates(self) -> Mapping[str, Item]:
        """All resource templates by template, without colliding ones."""
        return self._merged(lambda offer: offer.templates)

    @cached_property
    def prompts(self) -> Mapping[str, Item]:
        """All prompts by name, without colliding ones."""
        return self._merged(lambda offer: offer.prompts)

    @cached_property
    def collisions(self) -> Mapping[str, tuple[str, ...]]:
        """``"tool x"`` and the like, with the names of the servers that offer it."""
        kinds: Mapping[str, Callable[[Offer], Mapping[str, Item]]] = {
            "tool": lambda offer: offer.tools,
            "resource": lambda offer: offer.resources,
            "resource template": lambda offer: offer.templates,
            "prompt": lambda offer: offer.prompts,
        }
        return {
            f"{kind} {name}": tuple(owner.route.name for owner in owners)
            for kind, of in kinds.items()
            for name, owners in sorted(self._owners(of).items())
            if len(owners) > 1
        }

    def param_headers(self, tool: str) -> HeaderMap:
        """Which arguments of ``tool`` are mirrored in headers."""
        for offer in self.offers:
            if offer is not None and tool in offer.param_headers:
                return offer.param_headers[tool]
        return {}

    def tool_owner(self, name: str) -> SourceT:
        """The server whose tool this is. Raises NotOfferedError."""
        return self._owner(lambda offer: offer.tools, "tool", name, self._unseen(name))

    def prompt_owner(self, name: str) -> SourceT:
        """The server whose prompt this is. Raises NotOfferedError."""
        return self._owner(lambda offer: offer.prompts, "prompt", name, self._unseen(name))

    def resource_owner(self, uri: str) -> SourceT:
        """The server that can read ``uri``: it lists it, has a template for it, or owns its scheme.

        Raises NotOfferedError.
        """
        owners = self._owners(lambda offer: offer.resources).get(uri, [])
        owners = owners or [source for source in self.sources if _has_template_for(source.offer, uri)]
        scheme = uri.partition(":")[0]
        owners = owners or [source for source in self.sources if scheme in source.route.resource_schemes]
        return _only("resource", uri, owners)

    def template_owner(self, template: str) -> SourceT:
        """The server whose resource template this is, for completion. Raises NotOfferedError."""
        owners = self._owners(lambda offer: offer.templates).get(template, [])
        return _only("resource template", template, owners) if owners else self.resource_owner(template)

    def _merged(self, of: Callable[[Offer], Mapping[str, Item]]) -> Mapping[str, Item]:
        owners = self._owners(of)
        merged = {
            name: item
            for offer in self.offers
            if offer is not None
            for name, item in of(offer).items()
            if len(owners[name]) == 1
        }
        return dict(sorted(merged.items()))

    def _owners(self, of: Callable[[Offer], Mapping[str, Item]]) -> dict[str, list[SourceT]]:
        owners: dict[str, list[SourceT]] = {}
        for source, offer in zip(self.sources, self.offers, strict=True):
            for name in of(offer) if offer is not None else ():
                owners.setdefault(name, []).append(source)
        return owners

    def _owner(
        self,
        of: Callable[[Offer], Mapping[str, Item]],
        kind: str,
        name: str,
        fallback: Iterable[SourceT],
    ) -> SourceT:
        owners = [
            source
            for source, offer in zip(self.sources, self.offers, strict=True)
            if offer is not None and name in of(offer)
        ]
        return _only(kind, name, owners or list(fallback))

    def _unseen(self, name: str) -> Iterable[SourceT]:
        """Servers that never told what they offer and whose names look like ``name``."""
        for source, offer in zip(self.sources, self.offers, strict=True):
            if offer is None and name.startswith(source.route.tool_prefixes or ("\0",)):
                yield source


def _only(kind: str, name: str, owners: Sequence[SourceT]) -> SourceT:
    if not owners:
        raise NotOfferedError(f"Unknown {kind}: {name}")
    if len(owners) > 1:
        names = " and ".join(owner.route.name for owner in owners)
        raise AmbiguousError(f"The {kind} {name} is offered by {names}, so neither is served under this name")
    return owners[0]


def _has_template_for(offer: Offer | None, uri: str) -> bool:
    return offer is not None and any(_matches(template, uri) for template in offer.templates)


def _matches(template: str, uri: str) -> bool:
    try:
        return UriTemplate.parse(template).match(uri) is not None
    except ValueError:
        return False


def catalog_of(sources: Sequence[SourceT], previous: Catalog[SourceT] | None = None) -> Catalog[SourceT]:
    """The catalog of what the sources offer now; ``previous`` itself when nothing changed."""
    offers: list[Any] = [source.offer for source in sources]
    if previous is not None and all(a is b for a, b in zip(previous.offers, offers, strict=True)):
        return previous
    return Catalog(sources, offers)

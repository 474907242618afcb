"""What all servers offer together, and which server a name belongs to.

A name that two servers offer is served by neither: a caller must never reach another server than it meant,
and which one wins would otherwise depend on who answered first. Both owners are named to whoever calls it, in
the log and in readiness. Names are those that callers see, after each server's policy (see shaped): a tool
that is denied or renamed collides with nothing under its old name.

A catalog never changes. As long as nothing changed there is one and the same object (see catalog_of), so that
whatever is made from it can be kept beside it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from docgen_common.rates import Rate
from mcp.shared.uri_template import UriTemplate

from docgen_orchestrator.globs import Globs
from docgen_orchestrator.offer import HeaderMap, Item, Offer
from docgen_orchestrator.routing import Route
from docgen_orchestrator.subset import Subset

_NO_ITEM: Item = {}


class Source(Protocol):
    """What the catalog needs to know of a server."""

    @property
    def route(self) -> Route:
        """Where it is, and what its names look like."""

    @property
    def offer(self) -> Offer | None:
        """What callers may see of what it offers; None while it never told."""


SourceT = TypeVar("SourceT", bound=Source)
OwnedT = TypeVar("OwnedT")


class NotOfferedError(Exception):
    """No server offers this; the message is for the caller."""


class AmbiguousError(NotOfferedError):
    """Several servers offer this; the message names them."""


class HeldError(NotOfferedError):
    """The tool is held back until somebody accepts its definition; the message says so."""

    def __init__(self, server: str, name: str, reason: str) -> None:
        super().__init__(
            f"The tool {name} of the server {server} is held back: {reason}. Someone who runs this stack can"
            f" look at it with `docgenctl tools inspect {name}` and accept it with"
            f" `docgenctl tools accept {name}`"
        )
        self.server = server


@dataclass(frozen=True)
class CatalogTool(Generic[SourceT]):
    """One tool as it is called: whose it is, its name here and there, its definition and its bounds.

    ``read_only`` is what its annotations promise. ``timeout_s`` bounds one call of it (None: as any call to
    its server); ``rate`` bounds how often it is called (None: as often as its callers may call). ``held`` is
    why it is not served, None for a tool that is.
    """

    backend: SourceT
    shown_name: str
    upstream_name: str
    item: Item
    read_only: bool
    timeout_s: float | None
    rate: Rate | None
    held: str | None = None

    @property
    def owner(self) -> str:
        """The server for people, with the tool's name there where it is another than here."""
        name = self.backend.route.name
        return name if self.upstream_name == self.shown_name else f"{name} (as {self.upstream_name})"


@dataclass(frozen=True)
class Catalog(Generic[SourceT]):
    """The merged offers of ``sources``, which are sorted by name, or the part of them that ``subset`` is.

    ``offers`` are what is left of ``whole``, the offers as the sources have them.
    """

    sources: Sequence[SourceT]
    offers: Sequence[Offer | None]
    subset: Subset | None = None
    whole: Sequence[Offer | None] = ()

    @cached_property
    def tools(self) -> Mapping[str, Item]:
        """All tools by the names that callers see, without colliding ones and those that are held back."""
        owned = sorted(self._tool_owners.items())
        return {name: tools[0].item for name, tools in owned if len(tools) == 1 and not tools[0].held}

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
            "resource": lambda offer: offer.resources,
            "resource template": lambda offer: offer.templates,
            "prompt": lambda offer: offer.prompts,
        }
        tools = sorted(self._tool_owners.items())
        found = {f"tool {name}": tuple(tool.owner for tool in twice) for name, twice in tools}
        for kind, of in kinds.items():
            for name, owners in sorted(self._owners(of).items()):
                found[f"{kind} {name}"] = tuple(owner.route.name for owner in owners)
        return {name: owners for name, owners in found.items() if len(owners) > 1}

    def param_headers(self, tool: str) -> HeaderMap:
        """Which arguments of ``tool``, by the name that callers see, are mirrored in headers."""
        for offer in self.offers:
            if offer is not None and tool in offer.param_headers:
                return offer.param_headers[tool]
        return {}

    def tool(self, name: str) -> CatalogTool[SourceT]:
        """The tool that callers know by this name. Raises NotOfferedError."""
        owned = self._tool_owners.get(name, [])
        if not owned and self._may_show(name, lambda subset: subset.tools):
            owned = [
                _unseen_tool(source, name, own)
                for source in self._unseen()
                if (own := source.route.tools.own_name(name)) is not None and _looks_like(source, own)
            ]
        tool = _only("tool", name, owned, lambda tool: tool.owner)
        if tool.held:
            raise HeldError(tool.backend.route.name, name, tool.held)
        return tool

    def prompt_owner(self, name: str) -> SourceT:
        """The server whose prompt this is. Raises NotOfferedError."""
        owners = [
            source
            for source, offer in zip(self.sources, self.offers, strict=True)
            if offer is not None and name in offer.prompts
        ]
        if not owners and self._may_show(name, lambda subset: subset.prompts):
            unseen = (source for source in self._unseen() if source.route.prompts.passes(name))
            owners = [source for source in unseen if _looks_like(source, name)]
        return _only("prompt", name, owners, _name)

    def resource_owner(self, uri: str) -> SourceT:
        """The server that can read ``uri``: it lists it, has a template for it, or owns its scheme.

        Only where its policy lets ``uri`` pass: a template makes URIs that are denied one by one. Raises
        NotOfferedError.
        """
        if not self._may_show(uri, lambda subset: subset.resources):
            raise NotOfferedError(f"Unknown resource: {uri}")
        owners = self._owners(lambda offer: offer.resources).get(uri, [])
        sources = [source for source in self.sources if source.route.resources.passes(uri)]
        owners = owners or [source for source in sources if _has_template_for(source.offer, uri)]
        scheme = uri.partition(":")[0]
        owners = owners or [source for source in sources if scheme in source.route.resource_schemes]
        return _only("resource", uri, owners, _name)

    def template_owner(self, template: str) -> SourceT:
        """The server whose resource template this is, for completion. Raises NotOfferedError."""
        owners = self._owners(lambda offer: offer.templates).get(template, [])
        if not owners:
            return self.resource_owner(template)
        return _only("resource template", template, owners, _name)

    @cached_property
    def _tool_owners(self) -> Mapping[str, list[CatalogTool[SourceT]]]:
        """Every tool by the name that callers see, and each that has it."""
        owned: dict[str, list[CatalogTool[SourceT]]] = {}
        for source, offer in zip(self.sources, self.offers, strict=True):
            if offer is None:
                continue
            for name, item in offer.tools.items():
                for own in offer.own_names.get(name, (name,)):
                    tool = _catalog_tool(source, name, own, item, offer.held.get(name))
                    owned.setdefault(name, []).append(tool)
        return owned

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

    def _may_show(self, name: str, globs_of: Callable[[Subset], Globs]) -> bool:
        return self.subset is None or globs_of(self.subset).match(name)

    def _unseen(self) -> Iterable[SourceT]:
        """Servers that never told what they offer."""
        return (source for source, offer in zip(self.sources, self.offers, strict=True) if offer is None)


def _catalog_tool(
    source: SourceT, name: str, own: str, item: Item, held: str | None = None
) -> CatalogTool[SourceT]:
    policy = source.route.tools
    annotations = item.get("annotations")
    return CatalogTool(
        backend=source,
        shown_name=name,
        upstream_name=own,
        item=item,
        read_only=isinstance(annotations, Mapping) and annotations.get("readOnlyHint") is True,
        timeout_s=policy.timeout_s(own),
        rate=policy.rate(own),
        held=held,
    )


def _unseen_tool(source: SourceT, name: str, own: str) -> CatalogTool[SourceT]:
    """A tool that its server has not told of yet. Raises NotOfferedError where changed ones are held back."""
    if source.route.tools.changes == "hold":
        raise NotOfferedError(
            f"The server {source.route.name} has not told yet what its tools are; until it has, none is"
            " called, because changed ones are held back"
        )
    return _catalog_tool(source, name, own, _NO_ITEM)


def _looks_like(source: Source, name: str) -> bool:
    """Whether a name that the server gives looks like ``name``."""
    return name.startswith(source.route.tool_prefixes or ("\0",))


def _name(source: Source) -> str:
    return source.route.name


def _only(kind: str, name: str, owners: Sequence[OwnedT], owner_of: Callable[[OwnedT], str]) -> OwnedT:
    if not owners:
        raise NotOfferedError(f"Unknown {kind}: {name}")
    if len(owners) > 1:
        names = " and ".join(owner_of(owner) for owner in owners)
        raise AmbiguousError(f"The {kind} {name} is offered by {names}, so neither is served under this name")
    return owners[0]


def _has_template_for(offer: Offer | None, uri: str) -> bool:
    return offer is not None and any(_matches(template, uri) for template in offer.templates)


def _matches(template: str, uri: str) -> bool:
    try:
        return UriTemplate.parse(template).match(uri) is not None
    except ValueError:
        return False


def catalog_of(
    sources: Sequence[SourceT], previous: Catalog[SourceT] | None = None, subset: Subset | None = None
) -> Catalog[SourceT]:
    """The catalog of what the sources offer now; ``previous`` itself when nothing changed."""
    whole = [source.offer for source in sources]
    if (
        previous is not None
        and previous.subset is subset
        and _same(previous.whole, whole)
        and _same(previous.sources, sources)
    ):
        return previous
    narrowed = [offer if offer is None or subset is None else subset.narrowed(offer) for offer in whole]
    return Catalog(tuple(sources), narrowed, subset, whole)


def _same(before: Sequence[object], now: Sequence[object]) -> bool:
    return len(before) == len(now) and all(map(operator.is_, before, now))

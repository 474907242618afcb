"""The part of all servers that one endpoint shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from docgen_orchestrator.globs import EVERYTHING, Globs
from docgen_orchestrator.offer import Item, Offer


@dataclass(frozen=True)
class Subset:
    """What the endpoint ``/mcp/<name>`` shows of which servers.

    Patterns speak of the names, and the URIs, that callers see.
    """

    name: str
    servers: frozenset[str]
    tools: Globs = EVERYTHING
    resources: Globs = EVERYTHING
    prompts: Globs = EVERYTHING

    def narrowed(self, offer: Offer) -> Offer:
        """What is left of a server's offer; the very same object where everything is."""
        if self.tools.everything and self.resources.everything and self.prompts.everything:
            return offer
        return replace(
            offer,
            tools=_matching(offer.tools, self.tools),
            resources=_matching(offer.resources, self.resources),
            templates=_matching(offer.templates, self.resources),
            prompts=_matching(offer.prompts, self.prompts),
        )


def _matching(items: Mapping[str, Item], globs: Globs) -> Mapping[str, Item]:
    return {name: item for name, item in items.items() if globs.match(name)}

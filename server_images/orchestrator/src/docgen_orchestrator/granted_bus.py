"""What changes, for those who listen at one endpoint: each is told of what its key may see.

Theory of operation. Whoever may use everything is told of every event as it comes. Of lists, others are told
when what their key sees of them is another than before: when something a key does not see comes or goes, that
is nobody's business who holds it. So the new lists have to be here first; ``look_again`` is called once they
are, and compares. Where a server did not tell its new lists, nobody can know, and every key that has anything
of that server is told: a client that looks once too often is better than one that never does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from docgen_common.auth import current_grants
from docgen_common.scopes import Grants
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)

from docgen_orchestrator.catalog import Catalog
from docgen_orchestrator.granted import granted_items, granted_tools

Hear = Callable[[ServerEvent], None]
Unsure = Mapping[ServerEvent, Collection[str]]
"""List that may have changed → the servers of which nobody knows."""

_log = structlog.stdlib.get_logger("docgen.listening")


@dataclass
class _Narrow:
    """One listener whose key does not give everything, and what it saw when it was told last."""

    grants: Grants
    hear: Hear
    seen: Mapping[ServerEvent, object]


class GrantedBus(InMemorySubscriptionBus):
    """The SDK's bus; ``catalog`` gives what the endpoint shows now."""

    def __init__(self, catalog: Callable[[], Catalog[Any]]) -> None:
        super().__init__()
        self._catalog = catalog
        self._narrow: dict[object, _Narrow] = {}

    @property
    def narrow(self) -> bool:
        """Whether anybody listens whose key does not give everything."""
        return bool(self._narrow)

    def subscribe(self, listener: Hear) -> Callable[[], None]:
        """See SubscriptionBus; the key is that of the request that is being answered."""
        grants = current_grants()
        if grants.unrestricted:
            return super().subscribe(listener)
        token = object()
        self._narrow[token] = _Narrow(grants, listener, _seen(self._catalog(), grants))
        return lambda: _forget(self._narrow, token)

    async def publish(self, event: ServerEvent) -> None:
        """See SubscriptionBus; a list that changed is told to keys that give everything alone."""
        if isinstance(event, ResourceUpdated):
            for narrow in list(self._narrow.values()):
                _tell(narrow, event)  # each listens for URIs that its key gives (see Listening)
        await super().publish(event)

    def look_again(self, unsure: Unsure) -> None:
        """Tell those who see something else than before, and those of whom nobody knows whether they do."""
        catalog = self._catalog()
        known: dict[Grants, Mapping[ServerEvent, object]] = {}
        for narrow in list(self._narrow.values()):
            grants = narrow.grants
            seen = known.get(grants) or known.setdefault(grants, _seen(catalog, grants))
            before, narrow.seen = narrow.seen, seen
            for event, now in seen.items():
                if now != before[event] or any(map(grants.touches_server, unsure.get(event, ()))):
                    _tell(narrow, event)


def _seen(catalog: Catalog[Any], grants: Grants) -> Mapping[ServerEvent, object]:
    """List → what a key sees of it."""
    return {
        ToolsListChanged(): granted_tools(catalog, grants),
        PromptsListChanged(): granted_items(catalog, grants, lambda c: c.prompts, lambda o: o.prompts),
        ResourcesListChanged(): (
            granted_items(catalog, grants, lambda c: c.resources, lambda o: o.resources),
            granted_items(catalog, grants, lambda c: c.templates, lambda o: o.templates),
        ),
    }


def _tell(narrow: _Narrow, event: ServerEvent) -> None:
    """One listener that fails must not keep the others from hearing."""
    try:
        narrow.hear(event)
    except Exception:  # noqa: BLE001 - whatever it is, the others are told
        _log.exception("a listener failed")


def _forget(narrow: dict[object, _Narrow], token: object) -> None:
    narrow.pop(token, None)

"""What one endpoint shows: all servers (``/mcp``), or a part of them (``/mcp/<name>``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol, TypeVar

import structlog
from docgen_common.auth import current_grants
from docgen_common.called_tool import ToolFacts
from mcp.server.subscriptions import (
    PromptsListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import AmbiguousError, Catalog, NotOfferedError, catalog_of
from docgen_orchestrator.granted import tool_facts
from docgen_orchestrator.granted_bus import GrantedBus
from docgen_orchestrator.offer import Item
from docgen_orchestrator.subset import Subset

_log = structlog.stdlib.get_logger("docgen.catalog")
_MISS_SECONDS = 1.0

Found = TypeVar("Found")


class Servers(Protocol):
    """The servers that there are now."""

    @property
    def backends(self) -> Sequence[Backend]:
        """All of them, sorted by name; the same object as long as they are the same ones."""


class View:
    """The catalog of the ``servers``, or of the part of them that ``subset`` is, kept current.

    ``buses`` carry what changes to those who listen here.
    """

    def __init__(self, servers: Servers, subset: Subset | None = None) -> None:
        self.subset = subset
        self.buses: list[GrantedBus] = []
        self._servers = servers
        self._backends: tuple[Sequence[Backend], Subset | None, Sequence[Backend]] = ((), None, ())
        self._catalog: Catalog[Backend] | None = None
        self._reported: Mapping[str, tuple[str, ...]] = {}
        self._missed = float("-inf")

    @property
    def backends(self) -> Sequence[Backend]:
        """The servers of which anything may be shown here, sorted by name."""
        every, subset = self._servers.backends, self.subset
        if self._backends[0] is not every or self._backends[1] is not subset:
            own = every if subset is None else tuple(b for b in every if b.name in subset.servers)
            self._backends = (every, subset, own)
        return self._backends[2]

    @property
    def catalog(self) -> Catalog[Backend]:
        """What is known now, without asking anybody."""
        self._catalog = catalog_of(self.backends, self._catalog, self.subset)
        return self._catalog

    async def tell(self, backend: Backend, event: ServerEvent) -> None:
        """Pass on what happened at a server to those who listen here, if it concerns anything shown here."""
        if backend in self.backends and self._concerns(event):
            for bus in self.buses:
                await bus.publish(event)

    @property
    def has_narrow_listeners(self) -> bool:
        """Whether anybody listens here whose key does not give everything."""
        return any(bus.narrow for bus in self.buses)

    def look_again(self, unsure: Mapping[str, Collection[ServerEvent]]) -> None:
        """Tell those listeners what changed for them; of ``unsure`` servers nobody knows their lists."""
        here = {backend.name for backend in self.backends}
        events = {event for changed in unsure.values() for event in changed if self._concerns(event)}
        told = {event: [name for name in here if event in unsure.get(name, ())] for event in events}
        for bus in self.buses:
            bus.look_again(told)

    async def current(self, *, force: bool = False) -> Catalog[Backend]:
        """The catalog after giving every server that can be reached the chance to say what it offers."""
        await asyncio.gather(*(backend.refresh(force=force) for backend in self.backends))
        catalog = self.catalog
        if catalog.collisions != self._reported:
            self._reported = catalog.collisions
            for name, owners in catalog.collisions.items():
                _log.error("name collision: offered twice, served by neither", name=name, owners=owners)
        return catalog

    async def find(self, pick: Callable[[Catalog[Backend]], Found]) -> Found:
        """What ``pick`` finds; unknown names are looked up anew, but not more than once a second.

        Raises NotOfferedError.
        """
        try:
            return pick(self.catalog)
        except AmbiguousError:
            raise
        except NotOfferedError:
            if monotonic() - self._missed < _MISS_SECONDS and all(b.offer is not None for b in self.backends):
                raise
        self._missed = monotonic()
        return pick(await self.current(force=True))

    def missing(self) -> list[str]:
        """The servers that cannot be reached now, or never told what they offer."""
        return [
            backend.name for backend in self.backends if backend.down is not None or backend.offer is None
        ]

    def facts(self, tool: str) -> ToolFacts | None:
        """What keys and rates need to know of a tool, None for one that is not known here."""
        return tool_facts(self.catalog, tool)

    def input_schema(self, tool: str) -> Mapping[str, Any] | None:
        """A tool's input schema from the lists at hand (for the SDK's check of mirrored headers).

        None for a tool that the caller's key may not use: what it looks like is nobody else's business.
        """
        facts = self.facts(tool)
        if facts is None or not current_grants().allows_tool(facts.server, tool, read_only=facts.read_only):
            return None
        item: Item = self.catalog.tools.get(tool, {})
        schema = item.get("inputSchema")
        return schema if isinstance(schema, Mapping) else None

    def _concerns(self, event: ServerEvent) -> bool:
        if self.subset is None:
            return True
        if isinstance(event, ResourceUpdated):
            return self.subset.resources.match(event.uri)
        if isinstance(event, ToolsListChanged):
            return bool(self.subset.tools.patterns)
        prompts = isinstance(event, PromptsListChanged)
        return bool((self.subset.prompts if prompts else self.subset.resources).patterns)

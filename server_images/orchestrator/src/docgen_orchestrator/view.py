"""What one endpoint shows: all servers (``/mcp``), or one of them (``/mcp/<server>``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

import structlog
from docgen_common.auth import current_grants
from docgen_common.called_tool import ToolFacts

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import AmbiguousError, Catalog, NotOfferedError, catalog_of
from docgen_orchestrator.granted import tool_facts
from docgen_orchestrator.offer import Item

_log = structlog.stdlib.get_logger("docgen.catalog")
_MISS_SECONDS = 1.0

Found = TypeVar("Found")


class View:
    """The catalog of some backends, kept current."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.backends = backends
        self._catalog: Catalog[Backend] | None = None
        self._reported: Mapping[str, tuple[str, ...]] = {}
        self._missed = float("-inf")

    @property
    def catalog(self) -> Catalog[Backend]:
        """What is known now, without asking anybody."""
        self._catalog = catalog_of(self.backends, self._catalog)
        return self._catalog

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

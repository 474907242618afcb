"""``tools/list`` of one endpoint as bytes, made once for all callers who may use the same tools."""

from __future__ import annotations

import json

from docgen_common.scopes import Grants
from mcp_types import SERVER_INFO_META_KEY
from msgspec import Raw

from docgen_orchestrator.backend import OFFER_SECONDS, Backend
from docgen_orchestrator.catalog import Catalog
from docgen_orchestrator.front import UNAVAILABLE_META_KEY
from docgen_orchestrator.granted import granted_tools
from docgen_orchestrator.view import View

_MOST_GRANTS = 64


class Listing:
    """The merged list, kept for as long as the catalog, and who cannot be reached, stay the same."""

    def __init__(self, view: View, stamp: Raw) -> None:
        self._view = view
        self._stamp = json.loads(bytes(stamp))
        self._catalog: Catalog[Backend] | None = None
        self._missing: list[str] = []
        self._made: dict[Grants, bytes] = {}

    def at_hand(self, grants: Grants) -> bytes | None:
        """The JSON of the result for a caller with these grants; None when servers have to be asked first."""
        for backend in self._view.backends:
            if not backend.fresh or (backend.offer is None and backend.down is None):
                return None
        return self._result(grants)

    async def asked(self, grants: Grants) -> bytes:
        """The same after asking those servers whose lists are too old."""
        await self._view.current()
        return self._result(grants)

    def _result(self, grants: Grants) -> bytes:
        catalog, missing = self._view.catalog, self._view.missing()
        if catalog is not self._catalog or missing != self._missing or len(self._made) > _MOST_GRANTS:
            self._catalog, self._missing, self._made = catalog, missing, {}
        found = self._made.get(grants)
        if found is None:
            found = self._made[grants] = self._make(catalog, missing, grants)
        return found

    def _make(self, catalog: Catalog[Backend], missing: list[str], grants: Grants) -> bytes:
        meta = {SERVER_INFO_META_KEY: self._stamp}
        missing = [name for name in missing if grants.touches_server(name)]
        if missing:
            meta[UNAVAILABLE_META_KEY] = missing
        result = {
            "resultType": "complete",
            "tools": list(granted_tools(catalog, grants).values()),
            "ttlMs": 0 if missing else int(OFFER_SECONDS * 1000),
            "cacheScope": "private",
            "_meta": meta,
        }
        return json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")

"""What is odd about the texts of all servers: looked at when a server tells others, logged once each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.fleet import Fleet
from docgen_orchestrator.lint import Finding, lint
from docgen_orchestrator.offer import Offer

_LOOK_SECONDS = 1.0
_MOST_LOGGED = 100
_log = structlog.stdlib.get_logger("docgen.inspection")


@dataclass(frozen=True)
class Inspected:
    """What was found in one offer: kind and name of the item, as its server has them, to its findings."""

    told: Offer
    findings: Mapping[tuple[str, str], tuple[Finding, ...]]


class Inspection:
    """Looks at what the servers of ``fleet`` tell, in a thread, so that no caller waits for it."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._inspected: dict[str, Inspected] = {}
        self._logged: set[tuple[str, str, str, Finding]] = set()

    async def run(self) -> None:
        """Look whenever there is something else to be looked at, until cancelled."""
        while True:
            for backend in self._fleet.backends:
                await self.of(backend)
            await asyncio.sleep(_LOOK_SECONDS)

    async def of(self, backend: Backend) -> Mapping[tuple[str, str], tuple[Finding, ...]]:
        """The findings in what a server offers now."""
        told = backend.shelf.told
        if told is None:
            return {}
        known = self._inspected.get(backend.name)
        if known is None or known.told is not told:
            known = await asyncio.to_thread(_inspect, told)
            self._inspected[backend.name] = known
            self._log_new(backend.name, known)
        return known.findings

    def _log_new(self, server: str, inspected: Inspected) -> None:
        for (kind, name), findings in inspected.findings.items():
            for finding in findings:
                key = (server, kind, name, finding)
                if key in self._logged or len(self._logged) >= _MOST_LOGGED:
                    continue
                self._logged.add(key)
                _log.warning(
                    "odd description",
                    backend=server,
                    kind=kind,
                    name=name,
                    where=finding.where,
                    finding=finding.what,
                    excerpt=finding.excerpt,
                )


def _inspect(told: Offer) -> Inspected:
    kinds = {
        "tool": told.tools,
        "prompt": told.prompts,
        "resource": told.resources,
        "resource template": told.templates,
    }
    looked_at = {(kind, name): lint(item) for kind, items in kinds.items() for name, item in items.items()}
    return Inspected(told, {key: findings for key, findings in looked_at.items() if findings})

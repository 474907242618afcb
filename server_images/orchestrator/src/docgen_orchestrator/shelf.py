"""What of a server's offer is out for callers, and how its tools compare with what they were."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from docgen_orchestrator.definitions import KnownDefinitions, Standing, digest_of
from docgen_orchestrator.offer import Offer
from docgen_orchestrator.routing import Route
from docgen_orchestrator.shaped import shaped, unmatched, unmatched_parts

_log = structlog.stdlib.get_logger("docgen.definitions")


class Shelf:
    """``told`` is what the server offers, ``offer`` what is left of it after its policy, None before it told.

    ``offer`` is the same object until something changes. ``digests`` and ``standings`` are of the server's
    tools, by its own names.
    """

    def __init__(self, route: Route) -> None:
        self.told: Offer | None = None
        self.offer: Offer | None = None
        self.digests: Mapping[str, str] = {}
        self.standings: Mapping[str, Standing] = {}
        self._route = route
        self._known = KnownDefinitions()
        self._reported: Mapping[str, str] = {}

    def take(self, told: Offer) -> None:
        """The server told this."""
        if told != self.told:
            self.told = told
            self.digests = {name: digest_of(tool) for name, tool in told.tools.items()}
            self._shape()

    def follow(self, route: Route) -> None:
        """Have this route's policy from now on."""
        before, self._route = self._route, route
        if _policy(before) != _policy(route):
            self._shape()

    def compare(self, known: KnownDefinitions) -> None:
        """Have these as the known definitions from now on."""
        if known != self._known:
            self._known = known
            self._shape()

    def _shape(self) -> None:
        if self.told is None:
            return
        self.standings = {name: self._known.standing(name, digest) for name, digest in self.digests.items()}
        self.offer = shaped(self.told, self._route, self.standings)
        self._report_changes()
        tools = (f"tools/{key}" for key in unmatched(self.told, self._route.tools))
        if missing := (*tools, *unmatched_parts(self.told, self._route)):
            _log.warning("policy for what is not there", backend=self._route.name, policy=missing)

    def _report_changes(self) -> None:
        """Tell of each changed definition once."""
        changed = {name: self.digests[name] for name, how in self.standings.items() if how.is_change}
        for name in sorted(changed):
            if self._reported.get(name) != changed[name]:
                _log.warning(
                    "tool definition changed",
                    backend=self._route.name,
                    tool=name,
                    standing=self.standings[name].value,
                    held=self._route.tools.changes == "hold",
                    definition=changed[name],
                )
        self._reported = changed


def _policy(route: Route) -> tuple[object, ...]:
    return route.tools, route.resources, route.prompts

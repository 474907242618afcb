"""How many definitions of tools are not the known ones, for Prometheus: read when it asks, so never stale."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from docgen_orchestrator.fleet import Fleet

NAME = "docgen_tool_definitions_changed"


class ChangedDefinitions(Collector):
    """``docgen_tool_definitions_changed`` by server; ``held`` says whether callers are kept from them.

    Denied tools do not count: nobody reads their definitions. A server that never told its tools has no
    sample.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge."""
        gauge = GaugeMetricFamily(
            NAME, "Tools whose definition is new or another than the known one", labels=("server", "held")
        )
        for backend in self._fleet.backends:
            offer = backend.shelf.offer
            if offer is None:
                continue
            policy = backend.route.tools
            changed = {
                shown
                for own, standing in backend.shelf.standings.items()
                if standing.is_change and (shown := policy.shown_name(own)) is not None
            }
            held = changed & offer.held.keys()
            gauge.add_metric((backend.name, "false"), len(changed - held))
            gauge.add_metric((backend.name, "true"), len(held))
        yield gauge

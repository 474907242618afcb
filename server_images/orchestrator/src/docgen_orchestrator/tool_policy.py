"""What an operator says about one server's tools: which are offered, under which names, within which bounds.

``allow``, ``deny``, ``timeouts``, ``rates`` and the keys of ``rename`` speak of the names that the server
gave its tools. ``deny`` also holds for the name that callers would see, and wins over ``allow``: who denies a
name never meets it again, wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from docgen_common.rates import Rate

from docgen_orchestrator.globs import Filter, Globs

Bound = TypeVar("Bound")
Changes = Literal["report", "hold"]
"""What happens to a tool whose definition is not the known one: told of, or withheld until it is accepted."""


@dataclass(frozen=True)
class ToolPolicy(Filter):
    """The policy of one server: which of its tools pass, and what becomes of those.

    ``rename`` maps a tool's own name to the one that callers see, or a beginning of names to another
    (``red_*`` to ``blue_*``; whole names count before beginnings). ``timeouts`` (seconds) and ``rates`` map
    patterns of its own names to bounds. Of beginnings and patterns the first that matches is the one.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    changes: Changes = "report"

    def shown_name(self, own_name: str) -> str | None:
        """What callers know the server's tool ``own_name`` by; None when it is not for them."""
        shown = self.rename.get(own_name) or _begun_anew(own_name, self.rename) or own_name
        return shown if self.passes(own_name) and not self.deny.match(shown) else None

    def own_name(self, shown_name: str) -> str | None:
        """The server's name of the tool that callers would know as ``shown_name``; None when there is none.

        The only answer there is while the server has not told what it offers.
        """
        names = self._own_names
        for own in (names.get(shown_name), _begun_anew(shown_name, names), shown_name):
            if own is not None and self.shown_name(own) == shown_name:
                return own
        return None

    def timeout_s(self, own_name: str) -> float | None:
        """How long one call of this tool may take, in seconds; None: as long as any call to its server."""
        return _first(self.timeouts, own_name)

    def rate(self, own_name: str) -> Rate | None:
        """How often this tool may be called; None: as often as its callers may call."""
        return _first(self.rates, own_name)

    @cached_property
    def _own_names(self) -> Mapping[str, str]:
        return {shown: own for own, shown in self.rename.items()}


def _begun_anew(name: str, beginnings: Mapping[str, str]) -> str | None:
    """``name`` with another beginning, by the first of those that end with a star; None when none fits."""
    for old, new in beginnings.items():
        if old.endswith("*") and name.startswith(old[:-1]):
            return new[:-1] + name[len(old) - 1 :]
    return None


def _first(bounds: Mapping[str, Bound], name: str) -> Bound | None:
    return next((bound for glob, bound in bounds.items() if Globs((glob,)).match(name)), None)


UNRESTRICTED = ToolPolicy()

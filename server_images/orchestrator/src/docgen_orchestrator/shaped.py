"""What is left of a server's offer for callers: the tools that its policy offers, by the names they see.

A policy may give two tools of one server the same name. Like a name that two servers have, it is kept for
both and served for neither (see the catalog).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from docgen_orchestrator.definitions import Standing
from docgen_orchestrator.globs import Globs
from docgen_orchestrator.offer import Item, Offer
from docgen_orchestrator.tool_policy import ToolPolicy


def shaped(told: Offer, policy: ToolPolicy, standings: Mapping[str, Standing] | None = None) -> Offer:
    """``told``, as a server told it, the way callers may see it.

    ``standings`` tells how the definitions compare with the known ones, by the server's own names.
    """
    own_names: dict[str, tuple[str, ...]] = {}
    for own in told.tools:
        shown = policy.shown_name(own)
        if shown is not None:
            own_names[shown] = (*own_names.get(shown, ()), own)
    first = {shown: own_names[shown][0] for shown in sorted(own_names)}
    return replace(
        told,
        tools={shown: _named(told.tools[own], shown) for shown, own in first.items()},
        param_headers={
            shown: told.param_headers[own] for shown, own in first.items() if own in told.param_headers
        },
        own_names=own_names,
        held={
            shown: reason for shown, own in first.items() if (reason := _held(own, policy, standings or {}))
        },
    )


def _held_names(
    own_names: Mapping[str, str], policy: ToolPolicy, standings: Mapping[str, Standing]
) -> Mapping[str, str]:
    held = {shown: _held(own, policy, standings) for shown, own in own_names.items()}
    return {shown: reason for shown, reason in held.items() if reason is not None}


def _held(own: str, policy: ToolPolicy, standings: Mapping[str, Standing]) -> str | None:
    standing = standings.get(own, Standing.UNSEEN)
    if policy.changes != "hold" or not standing.is_change:
        return None
    return "the server did not have it before" if standing is Standing.NEW else "its definition changed"


def _named(tool: Item, name: str) -> Item:
    """The definition under another name; the very same object where the name is its own."""
    return tool if tool.get("name") == name else {**tool, "name": name}


def unmatched(told: Offer, policy: ToolPolicy) -> tuple[str, ...]:
    """What of ``policy`` names a tool that the server does not have: ``rename/x``, ``timeout_s/slow_*``."""
    own = {f"allow/{glob}": glob for glob in policy.allow.patterns if glob != "*"}
    own |= {f"deny/{glob}": glob for glob in policy.deny.patterns}
    own |= {f"timeout_s/{glob}": glob for glob in policy.timeouts}
    own |= {f"rate/{glob}": glob for glob in policy.rates}
    own |= {f"rename/{name}": name for name in policy.rename if name.endswith("*")}
    missing = [key for key, glob in own.items() if not any(map(Globs((glob,)).match, told.tools))]
    whole = (name for name in policy.rename if not name.endswith("*"))
    return (*missing, *(f"rename/{name}" for name in whole if name not in told.tools))

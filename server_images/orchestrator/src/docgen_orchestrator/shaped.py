"""What is left of a server's offer for callers: what its policy offers, tools by the names they see.

A policy may give two tools of one server the same name. Like a name that two servers have, it is kept for
both and served for neither (see the catalog).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from docgen_orchestrator.definitions import Standing
from docgen_orchestrator.globs import Filter, Globs
from docgen_orchestrator.offer import Item, Offer
from docgen_orchestrator.routing import Route
from docgen_orchestrator.tool_policy import ToolPolicy


def shaped(told: Offer, route: Route, standings: Mapping[str, Standing] | None = None) -> Offer:
    """``told``, as the server of ``route`` told it, the way callers may see it.

    ``standings`` tells how the definitions compare with the known ones, by the server's own names.
    """
    policy = route.tools
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
        resources=_passing(told.resources, route.resources),
        templates=_passing(told.templates, route.resources),
        prompts=_passing(told.prompts, route.prompts),
        own_names=own_names,
        held={
            shown: reason for shown, own in first.items() if (reason := _held(own, policy, standings or {}))
        },
    )


def _held(own: str, policy: ToolPolicy, standings: Mapping[str, Standing]) -> str | None:
    standing = standings.get(own, Standing.UNSEEN)
    if policy.changes != "hold" or not standing.is_change:
        return None
    return "the server did not have it before" if standing is Standing.NEW else "its definition changed"


def _named(tool: Item, name: str) -> Item:
    """The definition under another name; the very same object where the name is its own."""
    return tool if tool.get("name") == name else {**tool, "name": name}


def _passing(items: Mapping[str, Item], names: Filter) -> Mapping[str, Item]:
    return {name: item for name, item in items.items() if names.passes(name)}


def unmatched_parts(told: Offer, route: Route) -> tuple[str, ...]:
    """Patterns of resources and prompts that match none of the server's: ``prompts/deny/x``.

    A pattern may be meant for what a template makes, so one of a template's scheme is never among them.
    """
    schemes = tuple(template.partition(":")[0] + ":" for template in told.templates)
    resources = (
        key
        for key in route.resources.unmatched((*told.resources, *told.templates))
        if not key.partition("/")[2].startswith(schemes)
    )
    prompts = route.prompts.unmatched(told.prompts)
    return (*(f"resources/{key}" for key in resources), *(f"prompts/{key}" for key in prompts))


def unmatched(told: Offer, policy: ToolPolicy) -> tuple[str, ...]:
    """What of ``policy`` names a tool that the server does not have: ``rename/x``, ``timeout_s/slow_*``."""
    own = {f"timeout_s/{glob}": glob for glob in policy.timeouts}
    own |= {f"rate/{glob}": glob for glob in policy.rates}
    own |= {f"rename/{name}": name for name in policy.rename if name.endswith("*")}
    missing = [*policy.unmatched(told.tools)]
    missing += [key for key, glob in own.items() if not any(map(Globs((glob,)).match, told.tools))]
    whole = (name for name in policy.rename if not name.endswith("*"))
    return (*missing, *(f"rename/{name}" for name in whole if name not in told.tools))

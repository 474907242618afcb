"""Checks of tools and endpoints that single values cannot show: names given twice, endpoints of nothing."""

import difflib
from collections.abc import Iterator

from docgenctl.configuration.explanations import display
from docgenctl.configuration.layers import Mistake
from docgenctl.model.setting_values import format_duration
from docgenctl.model.settings import Settings
from docgenctl.model.tool_settings import EndpointSettings


def routing_mistakes(settings: Settings) -> Iterator[Mistake]:
    """Everything wrong with renamed tools, their deadlines, and named endpoints."""
    yield from _names_given_twice(settings)
    yield from _deadlines_cut_short(settings)
    for name, endpoint in settings.endpoints.items():
        yield from _endpoint_mistakes(name, endpoint, settings)


def _names_given_twice(settings: Settings) -> Iterator[Mistake]:
    """A name that two tools are given, of whatever servers: neither could be served."""
    owners: dict[str, str] = {}
    for server, entry in settings.servers.items():
        for tool, shown in entry.tools.rename.items() if entry.enabled else ():
            path = ("servers", server, "tools", "rename", tool)
            if shown in owners:
                yield Mistake(path, f"{display(shown)} is also the name of {owners[shown]}", "choose another")
            owners.setdefault(shown, "/".join(path))


def _deadlines_cut_short(settings: Settings) -> Iterator[Mistake]:
    """Deadlines that the gateway's own would never let a call reach."""
    longest = settings.gateway.request_timeout_s
    for server, entry in settings.servers.items():
        for pattern, seconds in entry.tools.timeout.items():
            if seconds > longest:
                yield Mistake(
                    ("servers", server, "tools", "timeout", pattern),
                    f"{format_duration(seconds)} is longer than gateway/request_timeout,"
                    f" {format_duration(longest)}",
                    "write less, or more there",
                )


def _endpoint_mistakes(name: str, endpoint: EndpointSettings, settings: Settings) -> Iterator[Mistake]:
    path = ("endpoints", name)
    if name in settings.servers:
        yield Mistake(path, f"the server {name} has this endpoint already", "choose another name")
    if not (endpoint.tools or endpoint.resources or endpoint.prompts):
        yield Mistake(path, "shows nothing", 'write tools: ["*"] below it, or fewer')
    for server in endpoint.servers or ():
        if server not in settings.servers:
            near = difflib.get_close_matches(server, settings.servers, n=1)
            known = ", ".join(settings.servers) or "none"
            hint = f"did you mean `{near[0]}`?" if near else f"servers: {known}"
            yield Mistake((*path, "servers"), f"{display(server)} is not a server", hint)

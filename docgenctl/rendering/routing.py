"""routing.yaml: what the orchestrator is told of servers, their tools, and named endpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import LIMITS_STORE, SERVER_PORT, VALKEY_PORT, Blueprint, Server
from docgenctl.model.tool_settings import EndpointSettings, PartSettings, ToolSettings
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "orchestrator/routing.yaml.j2"


def render_routing(blueprint: Blueprint, templates: Path) -> str:
    """Every server's address, what of it callers see, the name of the key presented there; the endpoints.

    Raises DocgenError as `render_template` does.
    """
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "replicas": blueprint.replicas,
        "limits": _limits() if blueprint.shared_limits else None,
        "servers": [_route(server, blueprint) for server in blueprint.servers],
        "endpoints": [
            _endpoint(name, endpoint, blueprint)
            for name, endpoint in sorted(blueprint.settings.endpoints.items())
        ],
    }
    return render_template(templates, TEMPLATE, variables)


def _limits() -> dict[str, Any]:
    return {"host": "valkey", "port": VALKEY_PORT, "key_secret": LIMITS_STORE}


def _route(server: Server, blueprint: Blueprint) -> dict[str, Any]:
    origin = f"http://{server.name}:{SERVER_PORT}"
    settings = blueprint.settings.servers[server.name]
    return {
        "name": server.name,
        "url": f"{origin}/mcp",
        "ready_url": f"{origin}/health/ready",
        "key_secret": f"upstream-{server.name}",
        "tool_prefixes": server.facts.tool_prefixes,
        "resource_schemes": server.facts.resource_schemes,
        "timeout_s": blueprint.settings.gateway.request_timeout_s,
        "events_url": f"{origin}/events" if server.facts.events else None,
        "policies": {
            "tools": _policy(settings.tools),
            "resources": _filter(settings.resources),
            "prompts": _filter(settings.prompts),
        },
    }


def _policy(tools: ToolSettings) -> dict[str, Any]:
    written = {
        "allow": tools.allow,
        "deny": tools.deny,
        "rename": tools.rename,
        "timeout_s": tools.timeout,
        "rate": tools.rate,
        "changes": tools.changes,
    }
    return _unusual(written)


def _filter(names: PartSettings) -> dict[str, Any]:
    return _unusual({"allow": names.allow, "deny": names.deny})


def _unusual(written: Mapping[str, Any]) -> dict[str, Any]:
    """What the orchestrator would not assume by itself."""
    usual = {"allow": ("*",), "changes": "report"}
    return {key: value for key, value in written.items() if value != usual.get(key, type(value)())}


def _endpoint(name: str, endpoint: EndpointSettings, blueprint: Blueprint) -> dict[str, Any]:
    """`servers` are told by name, all of them too: none left is not the same as none named."""
    return {
        "name": name,
        "servers": endpoint.taken_from(server.name for server in blueprint.servers),
        "tools": endpoint.tools,
        "resources": endpoint.resources,
        "prompts": endpoint.prompts,
    }

"""mcp-manifest.json: what a server is and where it is reached, for people and programs that look around."""

from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import SERVER_PORT, Blueprint, Server
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.gateway import as_written
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "server/mcp-manifest.json.j2"


def render_manifest(server: Server, blueprint: Blueprint, templates: Path) -> str:
    """The manifest of one server. Secrets appear by name only, options not at all."""
    facts = server.facts
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "name": server.name,
        "title": facts.title,
        "description": facts.description,
        "port": SERVER_PORT,
        "endpoints": _endpoints(server, blueprint),
        "tool_prefixes": facts.tool_prefixes,
        "resource_schemes": facts.resource_schemes,
        "secrets": [
            {"name": secret.name, "environment": secret.environment, "required": secret.required}
            for secret in server.secrets
        ],
        "egress": server.reachable_hosts,
        "limits": {
            "cpus": server.limits.cpus,
            "memory_bytes": server.limits.memory_bytes,
            "pids": server.limits.pids,
        },
    }
    return render_template(templates, TEMPLATE, variables)


def _endpoints(server: Server, blueprint: Blueprint) -> dict[str, Any]:
    """Addresses on the host, by what they serve."""
    host = as_written(next(iter(blueprint.settings.gateway.hostnames), "localhost"))
    ports = blueprint.ports
    found = {"mcp": f"https://{host}:{ports['orchestrator']}/mcp/{server.name}"}
    if server.gateway_port is not None:
        found["mcp_own_port"] = f"https://{host}:{ports[server.name]}/mcp"
    if server.gateway_health_port is not None:
        found["health"] = f"https://{host}:{ports[f'{server.name}_health']}/health/ready"
    return found

"""The configuration that each service reads from its volume: file name → text, by service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import SERVER_PORT, Blueprint, Server
from docgenctl.rendering.egress import render_egress
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.gateway import render_doors, render_gateway
from docgenctl.rendering.stamp import stamp_text

ROUTING_TEMPLATE = "orchestrator/routing.yaml.j2"
SERVER_TEMPLATE = "server/server.json.j2"
HEALTH_TEMPLATE = "health/healthcheck.bash.j2"


def render_service_files(blueprint: Blueprint, templates: Path) -> Mapping[str, Mapping[str, str]]:
    """Service name → file name → text, for every service of the stack; none of it is secret.

    Raises DocgenError when a template is broken and ConfigurationError for a value that a file cannot hold.
    """
    files: dict[str, Mapping[str, str]] = {
        **_infrastructure(blueprint, templates),
        "orchestrator": {
            "routing.yaml": render_routing(blueprint, templates),
            "server.json": _server_file({}, blueprint, templates),
        },
    }
    for server in blueprint.servers:
        files[server.name] = {"server.json": _server_file(server.options, blueprint, templates)}
    return files


def _infrastructure(blueprint: Blueprint, templates: Path) -> dict[str, Mapping[str, str]]:
    if not blueprint.isolates:
        return {"gateway": {"gateway.json": render_doors(blueprint, templates)}}
    return {
        "gateway": {
            "haproxy.cfg": render_gateway(blueprint, templates),
            "healthcheck.bash": _health_check(blueprint, templates),
        },
        "egress": {
            "squid.conf": render_egress(blueprint, templates),
            "healthcheck.bash": _health_check(blueprint, templates),
        },
    }


def render_routing(blueprint: Blueprint, templates: Path) -> str:
    """routing.yaml: every server's address, what belongs to it, and the name of the key presented there."""
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "servers": [_route(server, blueprint) for server in blueprint.servers],
    }
    return render_template(templates, ROUTING_TEMPLATE, variables)


def _route(server: Server, blueprint: Blueprint) -> dict[str, Any]:
    origin = f"http://{server.name}:{SERVER_PORT}"
    return {
        "name": server.name,
        "url": f"{origin}/mcp",
        "ready_url": f"{origin}/health/ready",
        "key_secret": f"upstream-{server.name}",
        "tool_prefixes": server.facts.tool_prefixes,
        "resource_schemes": server.facts.resource_schemes,
        "timeout_s": blueprint.settings.gateway.request_timeout_s,
        "events_url": f"{origin}/events" if server.facts.events else None,
    }


def _server_file(options: Mapping[str, Any], blueprint: Blueprint, templates: Path) -> str:
    variables = {"stamp": stamp_text(blueprint.tool_version), "options": dict(options)}
    return render_template(templates, SERVER_TEMPLATE, variables)


def _health_check(blueprint: Blueprint, templates: Path) -> str:
    return render_template(templates, HEALTH_TEMPLATE, {"stamp": stamp_text(blueprint.tool_version)})

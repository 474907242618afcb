"""The configuration that each service reads from its volume: file name → text, by service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import Blueprint
from docgenctl.rendering.egress import render_egress, render_egress_control
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.gateway import render_doors, render_gateway, render_gateway_control
from docgenctl.rendering.routing import render_routing
from docgenctl.rendering.stamp import stamp_text
from docgenctl.rendering.valkey import render_valkey

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
            "server.json": _server_file(_orchestrator_options(blueprint), blueprint, templates),
        },
    }
    for server in blueprint.servers:
        files[server.name] = {"server.json": _server_file(server.options, blueprint, templates)}
    return files


def _orchestrator_options(blueprint: Blueprint) -> dict[str, Any]:
    return {"legacy_sessions": True} if blueprint.settings.orchestrator.legacy_sessions else {}


def _infrastructure(blueprint: Blueprint, templates: Path) -> dict[str, Mapping[str, str]]:
    if not blueprint.isolates:
        return {"gateway": {"gateway.json": render_doors(blueprint, templates)}}
    store = {
        "valkey": {
            "valkey.conf": render_valkey(blueprint, templates),
            "healthcheck.bash": _health_check(blueprint, templates),
        }
    }
    return {
        **(store if blueprint.shared_limits else {}),
        "gateway": {
            "haproxy.cfg": render_gateway(blueprint, templates),
            "control.bash": render_gateway_control(blueprint, templates),
            "healthcheck.bash": _health_check(blueprint, templates),
        },
        "egress": {
            "squid.conf": render_egress(blueprint, templates),
            "control.bash": render_egress_control(blueprint, templates),
            "healthcheck.bash": _health_check(blueprint, templates),
        },
    }


def _server_file(options: Mapping[str, Any], blueprint: Blueprint, templates: Path) -> str:
    variables = {"stamp": stamp_text(blueprint.tool_version), "options": dict(options)}
    return render_template(templates, SERVER_TEMPLATE, variables)


def _health_check(blueprint: Blueprint, templates: Path) -> str:
    return render_template(templates, HEALTH_TEMPLATE, {"stamp": stamp_text(blueprint.tool_version)})

""".env.mcp and .env.mcp.template: the settings under their names as environment variables."""

from dataclasses import dataclass
from pathlib import Path

from docgenctl.model.blueprint import Blueprint, Server
from docgenctl.model.settings import LimitSettings, NetworkSettings, PortSettings, Settings
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.stamp import stamp_text

#: Servers' ports that the environment can set; ports of other servers are set in docgen.yaml alone.
_KNOWN = ("GITHUB_MCP_PORT_RANGE", "MAIN_MCP_PORT_RANGE", "MAIN_MCP_HEALTH_PORT_RANGE")

ENV_TEMPLATE = "env/env.mcp.j2"
ENV_TEMPLATE_TEMPLATE = "env/env.mcp.template.j2"


@dataclass(frozen=True, slots=True)
class EnvSetting:
    """One variable: its value now, its default, and for ranges the port that was chosen from it."""

    name: str
    comment: str
    value: str
    default: str
    in_use: str = ""


def render_env(blueprint: Blueprint, templates: Path) -> str:
    """.env.mcp: every variable with the value in effect."""
    return _render(ENV_TEMPLATE, blueprint, templates)


def render_env_template(blueprint: Blueprint, templates: Path) -> str:
    """.env.mcp.template: every variable with its default, commented out."""
    return _render(ENV_TEMPLATE_TEMPLATE, blueprint, templates)


def _render(template: str, blueprint: Blueprint, templates: Path) -> str:
    variables = {"stamp": stamp_text(blueprint.tool_version), "settings": env_settings(blueprint)}
    return render_template(templates, template, variables)


def env_settings(blueprint: Blueprint) -> tuple[EnvSetting, ...]:
    """All variables, in the order in which they are written."""
    settings, limits, networks = blueprint.settings, LimitSettings(), NetworkSettings()
    return (
        EnvSetting("MCP_ENV", "development or production", settings.environment, Settings().environment),
        EnvSetting(
            "MCP_LOG_LEVEL", "debug, info, warning or error", settings.log_level, Settings().log_level
        ),
        EnvSetting(
            "ORCHESTRATOR_PORT_RANGE",
            "Host port or range of the endpoint that clients use",
            str(settings.ports.orchestrator),
            str(PortSettings().orchestrator),
            str(blueprint.ports["orchestrator"]),
        ),
        *(variable for server in blueprint.servers for variable in _server_ports(server, blueprint)),
        EnvSetting("MCP_CPU_LIMIT", "CPUs of one container", str(settings.limits.cpus), str(limits.cpus)),
        EnvSetting(
            "MCP_MEMORY_LIMIT", "Memory of one container", size(settings.limits.memory), size(limits.memory)
        ),
        EnvSetting(
            "MCP_FRONTEND_SUBNET",
            "Pool of the networks with a way out",
            str(settings.networks.frontend_pool),
            str(networks.frontend_pool),
        ),
        EnvSetting(
            "MCP_BACKEND_SUBNET",
            "Pool of the closed networks",
            str(settings.networks.backend_pool),
            str(networks.backend_pool),
        ),
    )


def _server_ports(server: Server, blueprint: Blueprint) -> list[EnvSetting]:
    """A server's own ports: MAIN_MCP_PORT_RANGE and MAIN_MCP_HEALTH_PORT_RANGE for `main`."""
    entry = blueprint.settings.servers[server.name]
    prefix = server.name.upper().replace("-", "_")
    given = (
        (f"{prefix}_MCP_PORT_RANGE", "endpoint", entry.port, server.facts.port, server.name),
        (
            f"{prefix}_MCP_HEALTH_PORT_RANGE",
            "readiness",
            entry.health_port,
            server.facts.health_port,
            f"{server.name}_health",
        ),
    )
    return [
        EnvSetting(
            name,
            f"Host port or range of the {what} of server {server.name}",
            str(configured or usual),
            str(usual or configured),
            str(blueprint.ports[purpose]),
        )
        for name, what, configured, usual, purpose in given
        if name in _KNOWN and (configured or usual)
    ]


def size(amount: int) -> str:
    """Bytes in the notation of docgen.yaml: `512m` where it is exact, else the plain number."""
    for unit, factor in (("g", 1024**3), ("m", 1024**2), ("k", 1024)):
        if amount and amount % factor == 0:
            return f"{amount // factor}{unit}"
    return str(amount)

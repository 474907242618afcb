"""`docgenctl servers list|inspect`: where each server comes from, how it is, and what it offers."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.sketch_stack import sketch_stack
from docgenctl.actions.status import ServiceStatus, read_status
from docgenctl.configuration.package_locks import lock_name, read_lock
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.endpoint.route_table import fetch_route_table
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import Server, origin_name
from docgenctl.model.errors import ConfigurationError, DocgenError, EngineError, NotHealthyError, UsageError
from docgenctl.model.routes import OddText
from docgenctl.model.server_sources import parse_package, source_of
from docgenctl.model.settings import ServerSettings
from docgenctl.model.stack import VolumePurpose
from docgenctl.planning.assemble_stack import server_network, volume_key

_PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """One server: `source` is its kind and what it comes from; `tools` None when it cannot be asked.

    `state` is disabled, down, what its container is, or unknown when no engine tells; `health` is empty when
    nothing runs.
    """

    name: str
    source: Mapping[str, Any]
    version: str
    state: str
    health: str
    tools: int | None


def list_servers(opened: OpenProject, engine: Engine | None) -> tuple[ServerRow, ...]:
    """All entries of `servers`, sorted by name; without an engine states are unknown."""
    status = _status(opened, engine)
    endpoint = _endpoint(opened) if status else None
    return tuple(
        _row(name, entry, status, endpoint)
        for name, entry in sorted(opened.configuration.settings.servers.items())
    )


def inspect_server(opened: OpenProject, engine: Engine | None, name: str) -> dict[str, Any]:
    """All that is known of one server, without an engine too. Raises UsageError for a name that none has."""
    entry = opened.configuration.settings.servers.get(name)
    if entry is None:
        known = ", ".join(sorted(opened.configuration.settings.servers))
        raise UsageError(f"there is no server {name}", hint=f"servers: {known}")
    status = _status(opened, engine)
    endpoint = _endpoint(opened) if status else None
    row = _row(name, entry, status, endpoint)
    found: dict[str, Any] = {
        "name": name,
        "enabled": entry.enabled,
        "source": dict(row.source),
        "version": row.version,
        "state": row.state,
        "health": row.health,
        "lock": _lock(opened, name, entry),
        "environment": sorted(entry.environment),
        "secrets": dict(entry.secrets),
    }
    if entry.enabled:
        found |= _placed(opened, name, status or {})
    tools = _tools(endpoint, name) if row.tools is not None else None
    found["tools"] = None if tools is None else [str(tool.get("name")) for tool in tools]
    return found | _remarks(endpoint if row.state == "running" else None, name)


def _remarks(endpoint: Endpoint | None, name: str) -> dict[str, Any]:
    """What people should look at: definitions that are not the known ones, odd texts; None when unknown."""
    server = None
    if endpoint is not None:
        with suppress(NotHealthyError):
            server = fetch_route_table(endpoint, timeout_s=_PATIENCE_S).server(name)
    if server is None or not server.told:
        return {"changed": None, "held": None, "findings": None}
    odd = [OddText("tool", tool.name or tool.own_name, it) for tool in server.tools for it in tool.findings]
    return {
        "changed": [tool.name or tool.own_name for tool in server.tools if tool.changed and not tool.denied],
        "held": [tool.name or tool.own_name for tool in server.tools if tool.held],
        "findings": [
            {
                "of": it.of,
                "name": it.name,
                "kind": it.finding.kind,
                "where": it.finding.where,
                "what": it.finding.what,
                "excerpt": it.finding.excerpt,
            }
            for it in (*odd, *server.odd_texts)
        ],
    }


def _placed(opened: OpenProject, name: str, status: Mapping[str, ServiceStatus]) -> dict[str, Any]:
    """Where it sits in the stack: containers, network, what it may reach and use."""
    sketch = sketch_stack(opened)
    server: Server = sketch.blueprint.server(name)
    services = [origin_name(name), name] if server.origin else [name]
    network = sketch.stack.network(server_network(name))
    data = f"{opened.project.name}_{volume_key(services[0], VolumePurpose.DATA)}"
    return {
        "containers": [
            {"service": service, "image": status[service].image if service in status else ""}
            for service in services
        ],
        "network": {"name": network.name, "closed": network.closed, "subnet": network.subnet},
        "egress": list(server.reachable_hosts),
        "limits": {
            "cpus": server.limits.cpus,
            "memory_bytes": server.limits.memory_bytes,
            "pids": server.limits.pids,
        },
        "data": data if server.data else None,
    }


def _row(
    name: str, entry: ServerSettings, status: Mapping[str, ServiceStatus] | None, endpoint: Endpoint | None
) -> ServerRow:
    service = status.get(name) if status else None
    running = service is not None and service.state == "running"
    tools = _tools(endpoint, name) if running else None
    return ServerRow(
        name=name,
        source=source_of(entry, name),
        version=_version(entry),
        state=_state(entry, service, known=status is not None),
        health=service.health if service and running else "",
        tools=None if tools is None else len(tools),
    )


def _state(entry: ServerSettings, service: ServiceStatus | None, *, known: bool) -> str:
    if not entry.enabled:
        return "disabled"
    if service is not None:
        return service.state
    return "down" if known else "unknown"


def _version(entry: ServerSettings) -> str:
    """What its source says of its version: of the first package, or the tag of an image."""
    if entry.packages:
        return entry.packages[0].rpartition("@" if entry.packages[0].startswith("npm:") else "==")[2]
    reference = (entry.reference or "").partition("@")[0]
    return reference.rpartition(":")[2] if ":" in reference.rpartition("/")[2] else ""


def _lock(opened: OpenProject, name: str, entry: ServerSettings) -> dict[str, Any] | None:
    if not entry.packages:
        return None
    packages = [parse_package(text) for text in entry.packages]
    file = lock_name(name, packages[0].registry)
    try:
        text = read_lock(opened.project.directory, name, packages)
    except ConfigurationError as error:
        return {"file": file, "locked": 0, "problem": error.message}
    mark = "==" if packages[0].registry == "pypi" else '"integrity"'
    locked = sum(mark in line for line in text.splitlines() if not line.startswith("#"))
    return {"file": file, "locked": locked, "problem": ""}


def _status(opened: OpenProject, engine: Engine | None) -> dict[str, ServiceStatus] | None:
    """Service → how it is, empty when there are no containers; None when no engine tells."""
    if engine is None:
        return None
    try:
        return {row.service: row for row in read_status(opened.project.name, engine)}
    except EngineError:
        return None


def _endpoint(opened: OpenProject) -> Endpoint | None:
    try:
        return find_endpoint(opened)
    except DocgenError:
        return None


def _tools(endpoint: Endpoint | None, name: str) -> tuple[Mapping[str, Any], ...] | None:
    """What it offers through its own endpoint; None when it cannot be asked."""
    if endpoint is None:
        return None
    own = replace(endpoint, url=f"{endpoint.url}/{name}")
    try:
        with McpEndpoint(own, timeout_s=_PATIENCE_S) as client:
            return client.list_tools()
    except DocgenError:
        return None

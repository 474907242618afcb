"""The stack as docker-compose.mcp.yml.

The same `Stack` is what the engine adapter creates containers from, so the two ways of starting it must say
the same: a change here usually belongs into `docgenctl.engine.container_spec` too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import (
    LABEL_PROJECT_ID,
    LABEL_SPEC_DIGEST,
    HealthCheck,
    Network,
    PortBinding,
    Service,
    Stack,
    TmpfsMount,
)
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "compose/docker-compose.mcp.yml.j2"


def render_compose(stack: Stack, blueprint: Blueprint, templates: Path) -> str:
    """The compose file of a stack, complete without an env file.

    Volumes are external under their fixed names: they are made and filled by docgenctl, because Compose has
    no way to put a file into a volume. Raises DocgenError as `render_template` does.
    """
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "tool_version": blueprint.tool_version,
        "stack": stack,
        "services": [_service(service, stack) for service in stack.services],
        "networks": [_network(network, stack) for network in stack.networks],
    }
    return render_template(templates, TEMPLATE, variables)


def _service(service: Service, stack: Stack) -> dict[str, Any]:
    labels = {LABEL_PROJECT_ID: stack.project_id, LABEL_SPEC_DIGEST: service.digest, **service.labels}
    rotation = service.log_rotation
    return {
        "name": service.name,
        "image": service.image,
        "container_name": service.container_name,
        "replicas": service.replicas,
        "command": service.command,
        "user": service.user,
        "limits": service.limits,
        "restart": service.restart,
        "stop_grace": duration(service.stop_grace_s),
        "tmpfs": [_tmpfs(mount) for mount in service.tmpfs],
        "environment": sorted(service.environment.items()),
        "mounts": _mounts(service),
        "ports": [{"purpose": port.purpose, "binding": _port(port)} for port in service.ports],
        "networks": service.networks,
        "dns": service.dns,
        "dns_options": service.dns_options,
        "depends_on": service.depends_on,
        "health_check": _health_check(service.health_check),
        "log_options": {"max-size": str(rotation.max_size_bytes), "max-file": str(rotation.max_files)},
        "labels": sorted(labels.items()),
    }


def _network(network: Network, stack: Stack) -> dict[str, Any]:
    labels = {LABEL_PROJECT_ID: stack.project_id, LABEL_SPEC_DIGEST: network.digest, **network.labels}
    return {
        "key": network.key,
        "name": network.name,
        "closed": network.closed,
        "driver_options": network.driver_options,
        "subnet": network.subnet,
        "labels": sorted(labels.items()),
    }


def _tmpfs(mount: TmpfsMount) -> str:
    return f"{mount.target}:rw,noexec,nosuid,nodev,size={mount.size_bytes},mode=1777"


def _mounts(service: Service) -> list[Mapping[str, Any]]:
    """Long syntax throughout: a bind whose source is missing fails instead of making a folder as root."""
    binds = [
        {
            "type": "bind",
            "source": bind.source,
            "target": bind.target,
            "read_only": bind.read_only,
            "bind": {"create_host_path": False},
        }
        for bind in service.binds
    ]
    volumes = [
        {
            "type": "volume",
            "source": mount.volume,
            "target": mount.target,
            "read_only": mount.read_only,
            "volume": {"nocopy": True},
        }
        for mount in service.volumes
    ]
    return [*binds, *volumes]


def _port(port: PortBinding) -> dict[str, Any]:
    return {
        "target": port.container_port,
        "published": str(port.host_port),
        "host_ip": port.host_ip,
        "protocol": "tcp",
    }


def _health_check(check: HealthCheck) -> dict[str, Any] | None:
    """None: no check. `start_interval` is never rendered: Compose refuses it on engines before 25."""
    if not check.command:
        return None
    return {
        "test": ["CMD", *check.command],
        "interval": duration(check.interval_s),
        "timeout": duration(check.timeout_s),
        "retries": check.retries,
        "start_period": duration(check.start_period_s),
    }


def duration(seconds: float) -> str:
    """Seconds in Compose's notation: `10s`, or `250ms` where seconds are not whole."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"

"""A service as the Engine API's JSON for `POST /containers/create`; pure.

What never varies stands in `_hardening`. A container is created on its first network only: engines before
API 1.44 refuse several endpoints in one call, and the further connects cost 5 ms each, so there is one way
for all engines.
"""

from typing import Any

from docgenctl.model.stack import Attachment, HealthCheck, Network, Service, Stack

_NANOSECONDS = 1_000_000_000


def create_body(
    service: Service, stack: Stack, labels: dict[str, str], image: str, number: int = 1
) -> dict[str, Any]:
    """The whole body; `image` is what the engine shall run (a reference or an id)."""
    body: dict[str, Any] = {
        "Image": image,
        "User": service.user,
        "AttachStdout": True,  # without meaning for a container that nobody attaches to; as Compose says it
        "AttachStderr": True,
        "Env": [f"{key}={value}" for key, value in sorted(service.environment.items())],
        "Labels": labels,
        "Healthcheck": health_check(service.health_check),
        "StopTimeout": service.stop_grace_s,
        "ExposedPorts": {f"{port.container_port}/tcp": {} for port in service.ports},
        "HostConfig": host_config(service, stack),
    }
    if service.command:
        body["Cmd"] = list(service.command)
    if service.networks:
        first = service.networks[0]
        name = stack.network(first.network).name
        body["NetworkingConfig"] = {"EndpointsConfig": {name: {"Aliases": aliases(service, first, number)}}}
    return body


def host_config(service: Service, stack: Stack) -> dict[str, Any]:
    """Limits, mounts, ports and hardening."""
    limits, rotation = service.limits, service.log_rotation
    return {
        **_hardening(),
        "NetworkMode": stack.network(service.networks[0].network).name if service.networks else "none",
        "NanoCpus": round(limits.cpus * _NANOSECONDS),
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,  # equal to memory: no swap
        "PidsLimit": limits.pids,
        "Mounts": mounts(service, stack),
        "Tmpfs": {
            mount.target: f"rw,noexec,nosuid,nodev,size={mount.size_bytes},mode=1777"
            for mount in service.tmpfs
        },
        "PortBindings": port_bindings(service),
        "Dns": list(service.dns),
        "DnsOptions": list(service.dns_options),
        "RestartPolicy": {"Name": service.restart, "MaximumRetryCount": 0},
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": str(rotation.max_size_bytes), "max-file": str(rotation.max_files)},
        },
    }


def update_body(service: Service) -> dict[str, Any]:
    """The JSON for `POST /containers/{id}/update`: limits and restart policy."""
    limits = service.limits
    return {
        "NanoCpus": round(limits.cpus * _NANOSECONDS),
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "PidsLimit": limits.pids,
        "RestartPolicy": {"Name": service.restart, "MaximumRetryCount": 0},
    }


def _hardening() -> dict[str, Any]:
    return {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
        "Init": True,
    }


def mounts(service: Service, stack: Stack) -> list[dict[str, Any]]:
    """Mounts by type: a bind whose source is missing is refused, where `Binds` would create it as root.

    Volumes are not seeded from the image (`NoCopy`): their owner is what `fill_volume` set.
    """
    binds = [
        {"Type": "bind", "Source": bind.source, "Target": bind.target, "ReadOnly": bind.read_only}
        for bind in service.binds
    ]
    volumes = [
        {
            "Type": "volume",
            "Source": stack.volume(mount.volume).name,
            "Target": mount.target,
            "ReadOnly": mount.read_only,
            "VolumeOptions": {"NoCopy": True},
        }
        for mount in service.volumes
    ]
    return [*binds, *volumes]


def port_bindings(service: Service) -> dict[str, list[dict[str, str]]]:
    """Published ports, always with an explicit host address."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in service.ports:
        published = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        bindings.setdefault(f"{port.container_port}/tcp", []).append(published)
    return bindings


def health_check(check: HealthCheck) -> dict[str, Any]:
    """The check, its times in nanoseconds; without a command there is none, not even the image's own."""
    if not check.command:
        return {"Test": ["NONE"]}
    return {
        "Test": ["CMD", *check.command],
        "Interval": round(check.interval_s * _NANOSECONDS),
        "Timeout": round(check.timeout_s * _NANOSECONDS),
        "Retries": check.retries,
        "StartPeriod": round(check.start_period_s * _NANOSECONDS),
    }


def aliases(service: Service, attachment: Attachment, number: int = 1) -> list[str]:
    """Names of the service on that network: what the stack says, the service's and the container's name."""
    return list(dict.fromkeys((*attachment.aliases, service.name, service.name_of(number))))


def network_body(network: Network, labels: dict[str, str]) -> dict[str, Any]:
    """The JSON for `POST /networks/create`.

    Closed networks stay `internal` with `inhibit_ipv4` on engines from 28 on too, where
    `gateway_mode_ipv4=isolated` would do the same: the rendered compose file cannot know the engine it will
    meet, and the two must give the same network.
    """
    return {
        "Name": network.name,
        "Driver": "bridge",
        "CheckDuplicate": True,  # engines before API 1.44 need to be told, later ones always do
        "Internal": network.closed,
        "Options": dict(network.driver_options),
        "IPAM": {"Driver": "default", "Config": [{"Subnet": network.subnet}] if network.subnet else []},
        "Labels": labels,
    }

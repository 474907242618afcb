"""The engine's JSON in our words; pure, and patient with fields that newer engines leave out."""

from collections.abc import Iterable, Mapping
from typing import Any

from docgenctl.engine.labels import COMPOSE_PROJECT, COMPOSE_SERVICE
from docgenctl.model.observed import (
    ContainerEvent,
    ContainerStats,
    EngineInfo,
    Health,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedVolume,
)
from docgenctl.model.stack import Limits, PortBinding

_NEVER = "0001-01-01"
_HEALTH = {"healthy": Health.HEALTHY, "unhealthy": Health.UNHEALTHY, "starting": Health.STARTING}


def container_from(answer: Mapping[str, Any]) -> ObservedContainer:
    """From `GET /containers/{id}/json`."""
    config = answer.get("Config") or {}
    state = answer.get("State") or {}
    labels = dict(config.get("Labels") or {})
    started = state.get("StartedAt") or ""
    return ObservedContainer(
        id=answer["Id"],
        name=answer.get("Name", "").removeprefix("/"),
        service=labels.get(COMPOSE_SERVICE, ""),
        state=state.get("Status", ""),
        health=health_of(state),
        exit_code=state.get("ExitCode") or 0,
        oom_killed=bool(state.get("OOMKilled")),
        restarts=answer.get("RestartCount") or 0,
        started_at="" if started.startswith(_NEVER) else started,
        image=config.get("Image", ""),
        image_id=answer.get("Image", ""),
        labels=labels,
        ports=ports_of(answer),
        networks=networks_of(answer),
        error=state.get("Error") or "",
        health_command=health_command_of(config),
        aliases=aliases_of(answer),
        limits=limits_of(answer.get("HostConfig") or {}),
        restart=((answer.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "",
        other_limits=other_limits_of(answer.get("HostConfig") or {}),
    )


def health_of(state: Mapping[str, Any]) -> Health:
    """Running without a check is healthy; created and restarting are on their way; all else is not."""
    status = state.get("Status", "")
    if status == "running":
        checked = (state.get("Health") or {}).get("Status", "none")
        return _HEALTH.get(checked, Health.HEALTHY)
    return Health.STARTING if status in ("created", "restarting") else Health.UNHEALTHY


def health_command_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The command of the engine's check; empty without a check, or with one that needs a shell."""
    test = (config.get("Healthcheck") or {}).get("Test") or ()
    return tuple(test[1:]) if test and test[0] == "CMD" else ()


def ports_of(answer: Mapping[str, Any]) -> tuple[PortBinding, ...]:
    """Published TCP ports as bound now, else as asked for. The engine knows no purposes: they are empty."""
    bound = (answer.get("NetworkSettings") or {}).get("Ports") or {}
    asked = (answer.get("HostConfig") or {}).get("PortBindings") or {}
    found = []
    for key, bindings in sorted((bound if any(bound.values()) else asked).items()):
        container_port, _, protocol = key.partition("/")
        for binding in bindings or ():
            host_port = binding.get("HostPort") or "0"
            if protocol in ("", "tcp") and host_port.isdigit():
                found.append(
                    PortBinding(
                        purpose="",
                        host_ip=binding.get("HostIp", ""),
                        host_port=int(host_port),
                        container_port=int(container_port),
                    )
                )
    return tuple(found)


def networks_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Engine network names and the container's address there (empty while it does not run)."""
    networks = (answer.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: (end or {}).get("IPAddress") or "" for name, end in networks.items()}


def aliases_of(answer: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Engine network names and the container's names there; newer engines tell some apart as `DNSNames`."""
    networks = (answer.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        name: tuple(
            dict.fromkeys((*((end or {}).get("Aliases") or ()), *((end or {}).get("DNSNames") or ())))
        )
        for name, end in networks.items()
    }


def limits_of(host: Mapping[str, Any]) -> Limits:
    """The limits in force, of the answer's `HostConfig`; 0 where there is none."""
    cpus = (host.get("NanoCpus") or 0) / 1e9
    if not cpus and (host.get("CpuQuota") or 0) > 0:
        cpus = host["CpuQuota"] / (host.get("CpuPeriod") or 100_000)
    return Limits(cpus=cpus, memory_bytes=host.get("Memory") or 0, pids=max(host.get("PidsLimit") or 0, 0))


def other_limits_of(host: Mapping[str, Any]) -> tuple[str, ...]:
    """Limits that are set and never by us, in words."""
    return tuple(words for key, words in _OTHER_LIMITS.items() if host.get(key))


_OTHER_LIMITS = {
    "CpuShares": "CPU shares",
    "CpusetCpus": "a choice of CPUs",
    "CpusetMems": "a choice of memory nodes",
    "MemoryReservation": "a memory reservation",
    "BlkioWeight": "a disk weight",
}


def network_from(answer: Mapping[str, Any], foreign_members: tuple[str, ...] = ()) -> ObservedNetwork:
    """From one entry of `GET /networks`."""
    subnets = subnets_of(answer)
    return ObservedNetwork(
        id=answer["Id"],
        name=answer.get("Name", ""),
        subnet=subnets[0] if subnets else "",
        labels=dict(answer.get("Labels") or {}),
        closed=bool(answer.get("Internal")),
        options=dict(answer.get("Options") or {}),
        foreign_members=foreign_members,
    )


def members_from(listed: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Network id → names of containers on it, from entries of `GET /containers/json`."""
    members: dict[str, list[str]] = {}
    for entry in listed:
        name = next(iter(entry.get("Names") or ()), entry.get("Id", ""))
        for end in ((entry.get("NetworkSettings") or {}).get("Networks") or {}).values():
            members.setdefault((end or {}).get("NetworkID") or "", []).append(name.removeprefix("/"))
    return {network: tuple(sorted(names)) for network, names in members.items()}


def subnets_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """All IPv4 subnets of one network."""
    configs: Iterable[Mapping[str, str]] = (answer.get("IPAM") or {}).get("Config") or ()
    subnets = (config.get("Subnet", "") for config in configs)
    return tuple(subnet for subnet in subnets if subnet and ":" not in subnet)


def volume_from(answer: Mapping[str, Any]) -> ObservedVolume:
    """From one entry of `GET /volumes`."""
    return ObservedVolume(name=answer["Name"], labels=dict(answer.get("Labels") or {}))


def belongs(labels: Mapping[str, str] | None, project: str) -> bool:
    """Whether something carries exactly this project's label."""
    return (labels or {}).get(COMPOSE_PROJECT) == project


def image_from(answer: Mapping[str, Any]) -> ObservedImage:
    """From `GET /images/{name}/json` or one entry of `GET /images/json`."""
    labels = answer["Labels"] if "Labels" in answer else (answer.get("Config") or {}).get("Labels")
    tags, digests = answer.get("RepoTags") or (), answer.get("RepoDigests") or ()
    return ObservedImage(
        id=answer["Id"],
        references=tuple(tag for tag in tags if not tag.startswith("<none>")),
        digests=tuple(digest for digest in digests if not digest.startswith("<none>")),
        labels=dict(labels or {}),
        size_bytes=answer.get("Size") or 0,
        created_s=_seconds(answer.get("Created")),
    )


def found_from(version: Mapping[str, Any], *, address: str, source: str) -> EngineInfo:
    """From `GET /version`: all but what `machine_from` knows."""
    components: list[Mapping[str, Any]] = version.get("Components") or [{}]
    name = components[0].get("Name") or "Engine"
    return EngineInfo(
        name="Docker Engine" if name == "Engine" else name,
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        architecture=version.get("Arch", ""),
        cpus=0,
        memory_bytes=0,
        address=address,
        source=source,
    )


def machine_from(info: Mapping[str, Any]) -> dict[str, Any]:
    """From `GET /info`: CPUs, bytes of memory, whether the engine runs without root."""
    return {
        "cpus": info.get("NCPU") or 0,
        "memory_bytes": info.get("MemTotal") or 0,
        "rootless": any("rootless" in option for option in info.get("SecurityOptions") or ()),
    }


def _seconds(created: object) -> float:
    """Lists tell seconds; a single image tells RFC 3339, which nobody here needs."""
    return float(created) if isinstance(created, int) else 0


def event_from(answer: Mapping[str, Any]) -> ContainerEvent | None:
    """From one message of `GET /events`; None for what nobody waits for."""
    action, _, detail = str(answer.get("Action") or "").partition(":")
    health = None
    if action == "health_status":
        action, health = "health", _HEALTH.get(detail.strip())
    if action not in ("start", "die", "oom", "health", "destroy"):
        return None
    actor = answer.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    exit_code = attributes.get("exitCode", "")
    return ContainerEvent(
        service=attributes.get(COMPOSE_SERVICE, ""),
        container_id=actor.get("ID", ""),
        action=action,
        health=health,
        exit_code=int(exit_code) if action == "die" and exit_code.lstrip("-").isdigit() else None,
    )


def stats_from(answer: Mapping[str, Any]) -> ContainerStats:
    """From `GET /containers/{id}/stats`, on cgroup v1 and v2.

    CPU is the share of the time between the engine's two readings, in percent of one core. The page cache
    that can be dropped at once is not counted as memory in use, as `docker stats` does.
    """
    memory = answer.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    used = memory.get("usage", 0)
    return ContainerStats(
        cpu_percent=_cpu_percent(answer.get("cpu_stats") or {}, answer.get("precpu_stats") or {}),
        memory_bytes=max(used - cache, 0) if cache < used else used,
        memory_limit_bytes=memory.get("limit", 0),
        pids=(answer.get("pids_stats") or {}).get("current", 0),
    )


def _cpu_percent(now: Mapping[str, Any], before: Mapping[str, Any]) -> float:
    usage, usage_before = now.get("cpu_usage") or {}, before.get("cpu_usage") or {}
    spent = usage.get("total_usage", 0) - usage_before.get("total_usage", 0)
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cores = now.get("online_cpus") or len(usage.get("percpu_usage") or ()) or 1
    if spent <= 0 or passed <= 0:
        return 0.0
    return float(spent / passed * cores * 100)

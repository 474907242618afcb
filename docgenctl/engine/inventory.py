"""The engine's lists of everything, in our words; pure, and patient with fields that are left out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docgenctl.engine.observation import subnets_of
from docgenctl.model.inventory import EngineReport, InventoryContainer, InventoryNetwork, InventoryVolume
from docgenctl.model.stack import PortBinding

_LIMITS = {"MemoryLimit": "memory", "CpuCfsQuota": "cpus", "PidsLimit": "pids"}


def container_from(answer: Mapping[str, Any]) -> InventoryContainer:
    """From one entry of `GET /containers/json`."""
    names = answer.get("Names") or ("",)
    networks = (answer.get("NetworkSettings") or {}).get("Networks") or {}
    return InventoryContainer(
        id=answer["Id"],
        name=names[0].removeprefix("/"),
        labels=dict(answer.get("Labels") or {}),
        created_s=float(answer.get("Created") or 0),
        state=answer.get("State", ""),
        image_id=answer.get("ImageID", ""),
        ports=tuple(_binding(port) for port in answer.get("Ports") or () if port.get("PublicPort")),
        networks=tuple(sorted(networks)),
    )


def _binding(port: Mapping[str, Any]) -> PortBinding:
    return PortBinding(
        purpose="",
        host_ip=port.get("IP", ""),
        host_port=int(port["PublicPort"]),
        container_port=int(port.get("PrivatePort") or 0),
    )


def network_from(answer: Mapping[str, Any]) -> InventoryNetwork:
    """From one entry of `GET /networks`."""
    return InventoryNetwork(
        id=answer["Id"],
        name=answer.get("Name", ""),
        labels=dict(answer.get("Labels") or {}),
        created_s=seconds(answer.get("Created")),
        subnets=subnets_of(answer),
    )


def volume_from(answer: Mapping[str, Any]) -> InventoryVolume:
    """From one entry of `GET /volumes`."""
    return InventoryVolume(
        name=answer["Name"],
        labels=dict(answer.get("Labels") or {}),
        created_s=seconds(answer.get("CreatedAt")),
    )


def report_from(
    version: Mapping[str, Any], info: Mapping[str, Any], *, asked_at_s: float, answered_at_s: float
) -> EngineReport:
    """From `GET /version` and `GET /info`."""
    components = {
        str(component.get("Name", "")).lower(): str(component.get("Version", ""))
        for component in version.get("Components") or ()
    }
    return EngineReport(
        components=components,
        time=info.get("SystemTime", ""),
        asked_at_s=asked_at_s,
        answered_at_s=answered_at_s,
        root_directory=info.get("DockerRootDir", ""),
        cgroup_version=str(info.get("CgroupVersion", "")),
        storage_driver=info.get("Driver", ""),
        system=info.get("OperatingSystem", ""),
        warnings=tuple(info.get("Warnings") or ()),
        missing_limits=tuple(word for key, word in _LIMITS.items() if info.get(key) is False),
    )


def seconds(time: object) -> float:
    """RFC 3339 as seconds since 1970, 0 for anything else; the engine writes nanoseconds."""
    text = str(time or "")
    head, dot, tail = text.partition(".")
    if dot:  # Python reads microseconds at most
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[: min(digits, 6)]:0<6}{tail[digits:]}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0

"""What an auditor would write down about the containers of a stack; a good one leaves the page empty."""

from collections.abc import Callable, Mapping
from typing import Any

from docker import APIClient

Inspected = Mapping[str, Any]

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")
_SYSTEM = ("/", "/etc", "/proc", "/sys", "/run", "/var/run", "/var/lib/docker", "/root", "/home")
_SPACES = ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode")


def findings(api: APIClient, project: str) -> list[str]:
    """One line for everything that containers of the project may and need not."""
    mine = {"label": f"com.docker.compose.project={project}"}
    containers = [api.inspect_container(entry["Id"]) for entry in api.containers(all=True, filters=mine)]
    assert containers, f"{project} has no container to look at"
    return [finding for container in containers for finding in findings_in(container)]


def findings_in(container: Inspected) -> list[str]:
    """The same of one container, as `docker inspect` shows it."""
    name = container["Name"].lstrip("/")
    return [f"{name}: {text}" for text, found in _CHECKS.items() if found(container, container["HostConfig"])]


def _security(host: Inspected) -> str:
    return " ".join(host.get("SecurityOpt") or ())


def _uid(container: Inspected) -> str:
    return str(container["Config"]["User"]).partition(":")[0]


def _sources(container: Inspected) -> list[str]:
    return [mount["Source"] for mount in container["Mounts"]]


def _addresses(host: Inspected) -> list[str]:
    published = (host.get("PortBindings") or {}).values()
    return [binding["HostIp"] for bindings in published for binding in bindings]


_CHECKS: Mapping[str, Callable[[Inspected, Inspected], bool]] = {
    "runs as root": lambda c, _: not _uid(c).isdigit() or int(_uid(c)) == 0,
    "is in a group of root's": lambda _, host: bool({"0", "root"} & set(host.get("GroupAdd") or ())),
    "keeps capabilities": lambda _, host: host["CapDrop"] != ["ALL"],
    "is given capabilities": lambda _, host: bool(host.get("CapAdd")),
    "may gain privileges": lambda _, host: (
        not {"no-new-privileges", "no-new-privileges:true"} & set(_security(host).split())
    ),
    "is unconfined": lambda _, host: "unconfined" in _security(host),
    "is privileged": lambda _, host: bool(host["Privileged"]),
    "may write its root file system": lambda _, host: not host["ReadonlyRootfs"],
    "has no limit of memory": lambda _, host: not host.get("Memory"),
    "may swap": lambda _, host: host.get("MemorySwap") != host.get("Memory"),
    "has no limit of CPU": lambda _, host: not host.get("NanoCpus"),
    "has no limit of processes": lambda _, host: (host.get("PidsLimit") or 0) <= 0,
    "shares a name space of the host": lambda _, host: any(
        str(host.get(space)).startswith(("host", "container:")) for space in _SPACES
    ),
    "has devices": lambda _, host: bool(host.get("Devices")),
    "has an engine's socket": lambda c, _: any(source.endswith(_SOCKETS) for source in _sources(c)),
    "mounts a folder of the system": lambda c, _: bool(set(_SYSTEM) & set(_sources(c))),
    "publishes on every address": lambda _, host: bool({"", "0.0.0.0", "::"} & set(_addresses(host))),
}

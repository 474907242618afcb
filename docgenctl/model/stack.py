"""The stack we want, as one typed model: the compose file and the engine calls are both made from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from docgenctl.model.secret import Secret

_Item = TypeVar("_Item")

#: Labels of ours on every container, network, volume and image.
LABEL_PROJECT_ID = "dev.docgenctl.project-id"
LABEL_SPEC_DIGEST = "dev.docgenctl.spec-digest"
LABEL_CONTENT_DIGEST = "dev.docgenctl.content-digest"
LABEL_ROLE = "dev.docgenctl.role"
#: Compose's, which tells several containers of one service apart.
LABEL_CONTAINER_NUMBER = "com.docker.compose.container-number"

#: At the root of a build context for processes, where one for containers has its Dockerfile.
PROCESS_RECIPE = "process-image.json"


#: How long a stop lets a service end what it has begun, before it is cut off; servers themselves take 10 s.
STOP_GRACE_S = 12
#: The gateway holds connections, which end only when their clients like: streams, and kept ones in HTTP/1.
GATEWAY_STOP_GRACE_S = 5


def stop_grace_s(service: str) -> int:
    """The seconds between a stop and a kill, by the service's name."""
    return GATEWAY_STOP_GRACE_S if service == "gateway" else STOP_GRACE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one container may use at most."""

    cpus: float
    memory_bytes: int
    pids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortBinding:
    """A published port. `purpose` is the word users know it by: `orchestrator`, `main`, `main_health`."""

    purpose: str
    host_ip: str
    host_port: int
    container_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BindMount:
    """A directory of the host, by absolute path; the path must exist."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """A volume of the stack, by its key in `Stack.volumes`."""

    volume: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TmpfsMount:
    """Memory-backed scratch space of bounded size, `noexec,nosuid,nodev`."""

    target: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The engine's own check: `command` runs inside the container, exit 0 is healthy."""

    command: tuple[str, ...]
    interval_s: float
    timeout_s: float
    retries: int
    start_period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A service's place on a network: the network's key in `Stack.networks` and its names there."""

    network: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRotation:
    """Bounds of the engine's json-file log of one container."""

    max_size_bytes: int = 10 * 1024 * 1024
    max_files: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """How a running service takes over new content of its volumes without being recreated.

    Both are commands inside its container, empty where there is nothing to run: a service that watches its
    files needs neither. `check` runs before anything is switched, with `{config}` and `{secrets}` standing
    for the directories of the new versions, and ends with 0 when they can be used. `apply` runs after the
    switch, and ends with 0 once the service really works with what is there now.
    """

    check: tuple[str, ...] = ()
    apply: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Service:
    """One container of the stack, complete: what is not here is not set.

    `image` is the reference to run, `image_id` the engine's id (`sha256:…`) that it resolves to, empty
    when rendering before anything was built. Of several `replicas` each is put on the network
    `admitted_on` (its key) only once it is healthy, and callers are drained from it before it goes.
    Hardening that never varies (read-only root, no
    capabilities, no new privileges, init) is not a field: the adapters apply it to every service.
    """

    name: str
    container_name: str
    image: str
    image_id: str
    user: str
    networks: tuple[Attachment, ...]
    limits: Limits
    health_check: HealthCheck
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PortBinding, ...] = ()
    binds: tuple[BindMount, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    tmpfs: tuple[TmpfsMount, ...] = ()
    depends_on: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    log_rotation: LogRotation = LogRotation()
    stop_grace_s: int = STOP_GRACE_S
    restart: str = "unless-stopped"
    reload: Reload | None = None
    replicas: int = 1
    admitted_on: str = ""

    @cached_property
    def digest(self) -> str:
        """Digest of what only a new container takes over; one whose label carries another is recreated.

        Without what is changed while it runs: its networks, and the content of its volumes where it can
        reload. Without what is not a matter of the container: the order of starting. Without `image_id`:
        the reference already names the image's content, and must stay the same when the stack is rendered
        before anything was built.
        """
        lasting = {
            key: value
            for key, value in self.labels.items()
            if self.reload is None or key != LABEL_CONTENT_DIGEST
        }
        live = {"networks": (), "depends_on": (), "reload": None, "replicas": 1, "admitted_on": ""}
        return digest_of(replace(self, image_id="", labels=lasting, **live))  # type: ignore[arg-type]

    def name_of(self, number: int) -> str:
        """The name of its container of that number, counted from 1: as Compose names them."""
        return self.container_name if number == 1 else f"{self.container_name.removesuffix('-1')}-{number}"

    @property
    def content(self) -> str:
        """The version of what its configuration and secrets volumes hold; empty for none."""
        return self.labels.get(LABEL_CONTENT_DIGEST, "")


@dataclass(frozen=True, kw_only=True)
class Network:
    """One bridge network. `key` is its name in the compose file, `name` the engine's.

    `closed` means: no route to the host or beyond (internal, and without an address of the bridge).
    `masquerade` false leaves published ports working but closes the way out.
    """

    key: str
    name: str
    subnet: str
    closed: bool
    masquerade: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def driver_options(self) -> Mapping[str, str]:
        """Options of the engine's bridge driver, the same for Compose and for the SDK."""
        options = {}
        if self.closed:
            options["com.docker.network.bridge.inhibit_ipv4"] = "true"
        if not self.masquerade:
            options["com.docker.network.bridge.enable_ip_masquerade"] = "false"
        return options

    @cached_property
    def digest(self) -> str:
        """Digest of everything above."""
        return digest_of(self)


class VolumePurpose(StrEnum):
    """What a volume holds, which decides when it goes."""

    CONFIG = "config"
    SECRETS = "secrets"
    SCRATCH = "scratch"
    DATA = "data"

    @property
    def holds_content(self) -> bool:
        """Whether docgenctl decides what is in it."""
        return self in (VolumePurpose.CONFIG, VolumePurpose.SECRETS)

    @property
    def kept_by_down(self) -> bool:
        """Only data outlives `down`."""
        return self is VolumePurpose.DATA


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One named volume; `owner` is the `uid:gid` of its root directory."""

    key: str
    name: str
    purpose: VolumePurpose
    owner: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VolumeContent:
    """Files to put into a config or secrets volume, below a versioned directory behind `current`.

    `files` maps relative paths to bytes or secrets; they are written 0400 (secrets) or 0444 (others),
    owned by the volume's owner. `version` names the directory and is the digest of the content. `lasting`
    is the digest of what cannot change under a running container: another one means another container. Where
    it is empty that is all of the content.
    """

    volume: str
    version: str
    files: Mapping[str, bytes | Secret]
    lasting: str = ""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """All containers, networks and volumes of one project, in dependency order."""

    project: str
    project_id: str
    workspace: str
    compose_file: str
    services: tuple[Service, ...]
    networks: tuple[Network, ...]
    volumes: tuple[Volume, ...]

    @property
    def service_names(self) -> tuple[str, ...]:
        """Names of all services, dependencies first."""
        return tuple(service.name for service in self.services)

    def service(self, name: str) -> Service:
        """The service of that name. Raises KeyError."""
        return _named(self.services, "name", name)

    def network(self, key: str) -> Network:
        """The network of that key. Raises KeyError."""
        return _named(self.networks, "key", key)

    def volume(self, key: str) -> Volume:
        """The volume of that key. Raises KeyError."""
        return _named(self.volumes, "key", key)


def _named(items: tuple[_Item, ...], attribute: str, value: str) -> _Item:
    for item in items:
        if getattr(item, attribute) == value:
            return item
    raise KeyError(value)


def digest_of(value: Any) -> str:
    """A stable SHA-256 (hex) of a frozen dataclass, blind to the order of its mappings."""
    return hashlib.sha256(json.dumps(value, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a digest")

"""What the engine says there is, in our words; adapters fill it, decisions read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from docgenctl.model.stack import LABEL_CONTAINER_NUMBER, LABEL_CONTENT_DIGEST, Limits, PortBinding


class Health(StrEnum):
    """The three words of `status --json`; a running container without a check counts as healthy."""

    HEALTHY = "healthy"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """Which engine answers.

    `api_version` is as the engine states it (`1.41`); `source` says how it was found
    (`DOCKER_HOST`, `context desktop-linux`, `socket /var/run/docker.sock`). `isolates` is false for an
    engine that runs services without containers: nothing then keeps them from the host or each other.
    `missing` says for people what such an engine lacks, a line each.
    """

    name: str
    version: str
    api_version: str
    architecture: str
    cpus: int
    memory_bytes: int
    address: str
    source: str
    rootless: bool = False
    isolates: bool = True
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedContainer:
    """One container of the project.

    `state` is the engine's word: created, running, restarting, exited, paused or dead.
    `health_command` is the engine's own check, empty when it has none that is a plain command.
    `started_at` is RFC 3339 in UTC, empty when never started. `networks` maps engine network names to
    the container's address there, `aliases` to its names there. `limits`, `restart` (the restart policy's
    name) and `aliases` are what holds now, whatever it was made with; None, or empty, when the engine does
    not tell. `other_limits` names limits that we never set.
    """

    id: str
    name: str
    service: str
    state: str
    health: Health
    exit_code: int
    oom_killed: bool
    restarts: int
    started_at: str
    image: str
    image_id: str
    labels: Mapping[str, str]
    ports: tuple[PortBinding, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    health_command: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: Limits | None = None
    restart: str = ""
    other_limits: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Which container of its service it is, counted from 1."""
        number = self.labels.get(LABEL_CONTAINER_NUMBER, "1")
        return int(number) if number.isdigit() else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNetwork:
    """One network of the engine; `subnet` is empty for networks without one.

    `closed` and the driver's `options` are None when the engine does not tell. `foreign_members` are the
    names of containers on it that are not of the project.
    """

    id: str
    name: str
    subnet: str
    labels: Mapping[str, str]
    closed: bool | None = None
    options: Mapping[str, str] | None = None
    foreign_members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedVolume:
    """One volume of the engine."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedImage:
    """One local image; `digests` are `repository@sha256:…` names it is known by.

    `created_s` is in seconds since 1970, 0 where the engine does not tell.
    """

    id: str
    references: tuple[str, ...]
    digests: tuple[str, ...]
    labels: Mapping[str, str]
    size_bytes: int
    created_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that carries the project's label, every subnet the engine uses, and who else has our names.

    `isolates` is the engine's own word, as in `EngineInfo`. `unlabelled_networks` are networks whose names
    begin with the project's and that lack its label, as when somebody made one by hand in the place of ours.
    `taken_over` is no word of the engine but what the project remembers: container id → the content that it
    has reloaded since it was made.
    """

    containers: tuple[ObservedContainer, ...]
    networks: tuple[ObservedNetwork, ...]
    volumes: tuple[ObservedVolume, ...]
    foreign_subnets: tuple[str, ...]
    isolates: bool = True
    unlabelled_networks: tuple[ObservedNetwork, ...] = ()
    taken_over: Mapping[str, str] = field(default_factory=dict)

    def content_of(self, container: ObservedContainer) -> str:
        """The content that it works with: what it has reloaded last, else what it was made with."""
        made_with = container.labels.get(LABEL_CONTENT_DIGEST, "")
        return self.taken_over.get(container.id, made_with)

    def container(self, service: str) -> ObservedContainer | None:
        """The project's container of that service, the first of several, if there is one."""
        found = [c for c in self.containers if c.service == service]
        return min(found, key=lambda c: c.number, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvent:
    """Something that happened to a container: `start`, `die`, `oom`, `health`, `destroy`."""

    service: str
    container_id: str
    action: str
    health: Health | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStats:
    """One sample: CPU in percent of one core, memory in bytes without the page cache."""

    cpu_percent: float
    memory_bytes: int
    memory_limit_bytes: int
    pids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a container's output; `stream` is stdout or stderr, `time` RFC 3339."""

    service: str
    stream: str
    time: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """What a command inside a container printed (both streams, interleaved) and ended with."""

    exit_code: int
    output: str

"""What an engine holds and says of itself, for every project together; for looking, not for planning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docgenctl.model.stack import LABEL_PROJECT_ID, LABEL_ROLE, PortBinding

_COMPOSE_PROJECT = "com.docker.compose.project"
_COMPOSE_DIRECTORY = "com.docker.compose.project.working_dir"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labelled:
    name: str
    labels: Mapping[str, str]
    #: seconds since 1970, 0 when the engine does not tell
    created_s: float = 0

    @property
    def ours(self) -> bool:
        """Whether docgenctl made it, for any project."""
        return LABEL_PROJECT_ID in self.labels

    @property
    def project(self) -> str:
        """The Compose project it belongs to, empty for none."""
        return self.labels.get(_COMPOSE_PROJECT, "")

    @property
    def project_id(self) -> str:
        """The project's id, empty for what is not ours."""
        return self.labels.get(LABEL_PROJECT_ID, "")

    @property
    def role(self) -> str:
        """What a volume is for: config, secrets, scratch or data."""
        return self.labels.get(LABEL_ROLE, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryContainer(_Labelled):
    """One container; `ports` are those published now."""

    id: str
    state: str
    image_id: str = ""
    ports: tuple[PortBinding, ...] = ()
    networks: tuple[str, ...] = ()

    @property
    def directory(self) -> str:
        """The directory its project was started from, empty when it does not say."""
        return self.labels.get(_COMPOSE_DIRECTORY, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryNetwork(_Labelled):
    """One network with its IPv4 subnets."""

    id: str
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryVolume(_Labelled):
    """One volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Every container, network and volume of an engine."""

    containers: tuple[InventoryContainer, ...] = ()
    networks: tuple[InventoryNetwork, ...] = ()
    volumes: tuple[InventoryVolume, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """What an engine says of itself beyond `EngineInfo`; empty where it does not tell.

    `components` maps names (`runc`, `containerd`) to versions. `time` is its clock (RFC 3339) at some moment
    between `asked_at_s` and `answered_at_s` of ours (seconds since 1970). `warnings` are the engine's own.
    """

    components: Mapping[str, str] = field(default_factory=dict)
    time: str = ""
    asked_at_s: float = 0
    answered_at_s: float = 0
    root_directory: str = ""
    cgroup_version: str = ""
    storage_driver: str = ""
    system: str = ""
    warnings: tuple[str, ...] = ()
    missing_limits: tuple[str, ...] = ()

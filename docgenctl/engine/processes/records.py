"""What is noted of a container: what it was made from, and how it is."""

import shutil
from dataclasses import asdict, dataclass
from typing import Any

from docgenctl.engine.processes.places import Home, read_json, write_json
from docgenctl.engine.processes.proc import lasting_memory
from docgenctl.model.observed import Health, ObservedContainer
from docgenctl.model.stack import HealthCheck, LogRotation, PortBinding

RUNNING = ("running", "restarting")
#: What a process that was killed with its supervisor has for an exit code.
KILLED = 137


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a container was made from; never changes. Holds no secret: those are files in volumes."""

    id: str
    name: str
    service: str
    project: str
    image: str
    image_id: str
    labels: dict[str, str]
    ports: tuple[PortBinding, ...]
    networks: dict[str, str]
    volumes: tuple[str, ...]
    argv: tuple[str, ...]
    environment: dict[str, str]
    health_check: HealthCheck
    memory_bytes: int
    restart: str
    log_rotation: LogRotation

    @classmethod
    def read(cls, home: Home, container_id: str) -> "Made | None":
        """The note of that container, None when it is gone."""
        document = read_json(home.containers / f"{container_id}.json")
        return None if document is None else cls.of(document)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Made":
        """A note as it lies in its file."""
        return cls(
            **document
            | {
                "ports": tuple(PortBinding(**port) for port in document["ports"]),
                "volumes": tuple(document["volumes"]),
                "argv": tuple(document["argv"]),
                "health_check": HealthCheck(
                    **document["health_check"] | {"command": tuple(document["health_check"]["command"])}
                ),
                "log_rotation": LogRotation(**document["log_rotation"]),
            }
        )

    def write(self, home: Home) -> None:
        """Note it."""
        write_json(home.containers / f"{self.id}.json", asdict(self))


@dataclass(kw_only=True)
class Condition:
    """How a container is; only the supervisor writes it."""

    state: str = "created"
    pid: int = 0
    pid_started: int = 0
    exit_code: int = 0
    restarts: int = 0
    started_at: str = ""
    health: str = Health.UNHEALTHY.value
    oom_killed: bool = False
    error: str = ""

    @classmethod
    def read(cls, home: Home, container_id: str) -> "Condition":
        """How it was last noted to be."""
        document = read_json(home.containers / f"{container_id}.state") or {}
        known = {key: value for key, value in document.items() if key in cls.__dataclass_fields__}
        return cls(**known)

    def write(self, home: Home, container_id: str) -> None:
        """Note it."""
        write_json(home.containers / f"{container_id}.state", asdict(self))


def observed(made: Made, condition: Condition, *, supervised: bool) -> ObservedContainer:
    """The container in our words; without a supervisor nothing runs, whatever was noted last.

    One that holds more memory than it may is unhealthy, whatever its check says: its supervisor, which looks
    every two seconds, is going to end it, where a kernel would have ended it at once.
    """
    state, exit_code = condition.state, condition.exit_code
    if state in RUNNING and not supervised:
        state, exit_code = "exited", KILLED
    well = state == "running" and lasting_memory(condition.pid) <= made.memory_bytes
    return ObservedContainer(
        id=made.id,
        name=made.name,
        service=made.service,
        state=state,
        health=Health(condition.health) if well else Health.UNHEALTHY,
        exit_code=exit_code,
        oom_killed=condition.oom_killed,
        restarts=condition.restarts,
        started_at=condition.started_at,
        image=made.image,
        image_id=made.image_id,
        labels=made.labels,
        ports=made.ports,
        networks=made.networks if state == "running" else dict.fromkeys(made.networks, ""),
        error=condition.error,
        health_command=made.health_check.command,
    )


def forget(home: Home, container_id: str) -> None:
    """Remove both notes of a container, and its scratch directory."""
    shutil.rmtree(home.scratch / container_id, ignore_errors=True)
    (home.containers / f"{container_id}.json").unlink(missing_ok=True)
    (home.containers / f"{container_id}.state").unlink(missing_ok=True)

"""What runs: one row a service, in the stable shape of `status --json`."""

from collections.abc import Sequence
from dataclasses import dataclass

from docgenctl.actions.choose_services import chosen_services
from docgenctl.actions.settle_health import settle_health
from docgenctl.actions.watch_crashes import trouble_of
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import ContainerStats, Health, ObservedContainer
from docgenctl.model.stack import PortBinding


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service. `health` is healthy, starting or unhealthy; `since` RFC 3339, empty if never started.

    `trouble` says why one that crashes, was killed or keeps being started again does so, else it is empty.

    `number` tells several containers of one service apart.

    CPU is in percent of one core, memory in bytes; both None unless asked for or when it does not run.
    """

    service: str
    state: str
    health: str
    ports: tuple[PortBinding, ...]
    image: str
    since: str
    restarts: int
    exit_code: int
    container: str
    trouble: str = ""
    number: int = 1
    cpu_percent: float | None = None
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None


def read_status(
    project: str, engine: Engine, *, stats: bool = False, services: Sequence[str] = ()
) -> tuple[ServiceStatus, ...]:
    """The status of every container of that project's stack, sorted by service; empty when there is none.

    `stats` takes one sample of CPU and memory, which takes about two seconds. Raises UsageError for a
    service that is not there.
    """
    observation = engine.observe(project)
    containers = observation.containers
    if services and containers:
        services = chosen_services(observation, services)
        containers = tuple(container for container in containers if container.service in services)
    containers = settle_health(containers, engine)
    samples = _samples(containers, engine) if stats else [None] * len(containers)
    rows = (_row(container, engine, sample) for container, sample in zip(containers, samples, strict=True))
    return tuple(sorted(rows, key=lambda row: (row.service, row.number)))


def _row(container: ObservedContainer, engine: Engine, sample: ContainerStats | None) -> ServiceStatus:
    return ServiceStatus(
        service=container.service,
        state=container.state,
        health=(container.health if container.state == "running" else Health.UNHEALTHY).value,
        ports=container.ports,
        image=container.image,
        since=container.started_at,
        restarts=container.restarts,
        exit_code=container.exit_code,
        container=container.name,
        trouble=trouble_of(container, engine),
        number=container.number,
        cpu_percent=sample.cpu_percent if sample else None,
        memory_bytes=sample.memory_bytes if sample else None,
        memory_limit_bytes=sample.memory_limit_bytes if sample else None,
    )


def _samples(containers: Sequence[ObservedContainer], engine: Engine) -> list[ContainerStats | None]:
    """One for each container, side by side, since each takes a second or two."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max(1, len(containers)), thread_name_prefix="status") as pool:
        return list(pool.map(lambda container: _sample(container, engine), containers))


def _sample(container: ObservedContainer, engine: Engine) -> ContainerStats | None:
    if container.state != "running":
        return None
    try:
        return engine.stats(container.id)
    except EngineError:  # it ended while being measured
        return None

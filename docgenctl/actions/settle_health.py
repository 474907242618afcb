"""The health of containers right now, without waiting for the engine's next check."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import Health, ObservedContainer


def settle_health(containers: Sequence[ObservedContainer], engine: Engine) -> tuple[ObservedContainer, ...]:
    """Containers whose first check is still due get it now.

    The engine runs the first one a whole interval after the start and calls the container `starting` until
    then. Running the very same command here gives the same verdict at once; one that fails stays `starting`,
    since the grace period is the engine's to judge.
    """
    with ThreadPoolExecutor(max(1, len(containers)), thread_name_prefix="check") as pool:
        return tuple(pool.map(lambda container: _settle(container, engine), containers))


def _settle(container: ObservedContainer, engine: Engine) -> ObservedContainer:
    due = container.state == "running" and container.health is Health.STARTING
    if not due or not container.health_command:
        return container
    try:
        passed = engine.execute(container.id, container.health_command).exit_code == 0
    except EngineError:  # gone meanwhile: the engine's word stands
        return container
    return replace(container, health=Health.HEALTHY) if passed else container

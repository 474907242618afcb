"""The health of containers right now, without waiting for the engine's next check."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import Health, ObservedContainer

#: As long as the engine itself gives a check; in a container without CPU time it would take minutes.
LONGEST_CHECK_S = 5.0


def settle_health(
    containers: Sequence[ObservedContainer], engine: Engine, *, within_s: float = LONGEST_CHECK_S
) -> tuple[ObservedContainer, ...]:
    """Containers whose first check is still due get it now.

    The engine runs the first one a whole interval after the start and calls the container `starting` until
    then. Running the very same command here gives the same verdict at once; one that fails stays `starting`,
    since the grace period is the engine's to judge, and so does one that takes longer than `within_s`.
    """
    settled = dict(enumerate(containers))

    def check(index: int) -> None:
        settled[index] = _settle(containers[index], engine)

    # Daemons, unlike the threads of a pool: nobody waits for those that are late, not even at the end.
    threads = [
        threading.Thread(target=check, args=(index,), name="check", daemon=True)
        for index, container in enumerate(containers)
        if _due(container)
    ]
    deadline = time.monotonic() + within_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(settled[index] for index in range(len(containers)))


def _settle(container: ObservedContainer, engine: Engine) -> ObservedContainer:
    try:
        passed = engine.execute(container.id, container.health_command).exit_code == 0
    except EngineError:  # gone meanwhile: the engine's word stands
        return container
    return replace(container, health=Health.HEALTHY) if passed else container


def _due(container: ObservedContainer) -> bool:
    starting = container.state == "running" and container.health is Health.STARTING
    return starting and bool(container.health_command)

"""Wait until the stack serves, and stop waiting at once when a part of it crashes."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from docgenctl.actions.settle_health import settle_health
from docgenctl.actions.watch_crashes import CrashWatch, last_lines
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.probe import wait_until_ready
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import is_origin
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.observed import Health, Observation
from docgenctl.model.progress import Reporter

POLL_S = 0.1
#: Services that every request passes, or that no request passes: the others are servers.
_INFRASTRUCTURE = ("gateway", "orchestrator", "egress", "valkey")
#: Among how many lines last words are looked for; most of them tell of our asking.
_LOOKED_AT = 400


def wait_until_healthy(
    project: str,
    services: Sequence[str],
    engine: Engine,
    endpoint: Endpoint,
    crashes: CrashWatch,
    reporter: Reporter,
    *,
    timeout_s: float,
) -> None:
    """Wait until all of these services are healthy.

    Where gateway and orchestrator are among them, every server is asked through both, over TLS, as clients
    do; containers that no request passes, such as the egress proxy, are asked by their own check. Raises
    NotHealthyError with what is not healthy and its last log lines.
    """
    deadline = time.monotonic() + timeout_s
    topic = "stack"
    reporter.begin(topic, project, "waiting until it is healthy")
    asked = asked_through_the_gateway(services)
    for name in asked:
        reporter.advance(topic, project, f"waiting for {name}")
        result = wait_until_ready(
            endpoint, deadline=deadline, path=f"/health/ready/{name}", stopped=crashes.crashed
        )
        crashes.raise_if_crashed()
        if not result.ok:
            reporter.failed(topic, project, f"{name}: {result.detail}")
            raise _not_in_time(project, services, engine, f"{name}: {result.detail}", timeout_s, name)
    # Who has just answered, or passed the question on, needs no check of its own to be called healthy.
    answered = frozenset((*asked, "gateway", "orchestrator") if asked else ())
    while sick := sick_services(engine.observe(project), engine, services, answered):
        crashes.raise_if_crashed()
        if time.monotonic() > deadline:
            reporter.failed(topic, project, f"not healthy: {', '.join(sick)}")
            raise _not_in_time(project, services, engine, ", ".join(sick), timeout_s)
        reporter.advance(topic, project, f"waiting for {', '.join(sick)}")
        time.sleep(POLL_S)
    reporter.done(topic, project, f"{len(services)} services healthy")


def asked_through_the_gateway(services: Sequence[str]) -> tuple[str, ...]:
    """The servers, when the way to them is there: once they answer through it, so does all before them."""
    if "gateway" not in services or "orchestrator" not in services:
        return ()
    return tuple(name for name in services if name not in _INFRASTRUCTURE and not is_origin(name, services))


def sick_services(
    observation: Observation, engine: Engine, services: Sequence[str], answered: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Those of the services that have no container, or one that is not running and healthy.

    Of the `answered` it is known without the engine, unless it calls them unhealthy.
    """
    count = Counter(container.service for container in observation.containers)
    known = [
        replace(container, health=Health.HEALTHY)
        if container.service in answered
        and container.health is Health.STARTING
        and count[container.service] == 1  # of several, any may have answered
        else container
        for container in observation.containers
    ]
    containers = settle_health(known, engine)
    sick = {c.service for c in containers if c.state != "running" or c.health is not Health.HEALTHY}
    return tuple(name for name in services if name in sick or not count[name])


def _not_in_time(
    project: str,
    services: Sequence[str],
    engine: Engine,
    detail: str,
    timeout_s: float,
    asked: str = "gateway",
) -> NotHealthyError:
    """Who is sick, with last words; where nobody is, those of who was `asked` and of the way there."""
    observation = engine.observe(project)
    lines: list[str] = []
    way = dict.fromkeys((asked, "gateway", "orchestrator"))
    for name in sick_services(observation, engine, services) or way:
        container = observation.container(name)
        if container is not None:
            own = _its_own(last_lines(engine, container.id, tail=_LOOKED_AT))
            lines += [f"{name} | {line}" for line in own[-8:]]
    return NotHealthyError(
        f"the stack is not healthy after {timeout_s:.0f} s: {detail}",
        hint="docgenctl health, docgenctl logs; the containers are left as they are",
        code="not_in_time",
        details=lines,
    )


def _its_own(lines: Sequence[str]) -> list[str]:
    """Without the lines about our asking whether it is ready, which would be all that is left."""
    return [line for line in lines if "/health/" not in line.replace("\\/", "/")]

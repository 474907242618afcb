"""Wait until the stack serves, and stop waiting at once when a part of it crashes."""

import time

from docgenctl.actions.settle_health import settle_health
from docgenctl.actions.watch_crashes import CrashWatch, last_lines
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.probe import wait_until_ready
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.observed import Health, Observation
from docgenctl.model.progress import Reporter
from docgenctl.model.stack import Stack

POLL_S = 0.1


def wait_until_healthy(
    stack: Stack,
    engine: Engine,
    endpoint: Endpoint,
    crashes: CrashWatch,
    reporter: Reporter,
    *,
    timeout_s: float,
) -> None:
    """Poll the real route (gateway, TLS, orchestrator, every server) until all of it is ready.

    Containers that no request passes through, such as the egress proxy, are asked by their own check.
    Raises NotHealthyError with what is not healthy and its last log lines.
    """
    deadline = time.monotonic() + timeout_s
    topic, subject = "stack", stack.project
    reporter.begin(topic, subject, "waiting until it is healthy")
    for name in readiness_order(stack):
        reporter.advance(topic, subject, f"waiting for {name}")
        result = wait_until_ready(
            endpoint, deadline=deadline, path=f"/health/ready/{name}", stopped=crashes.crashed
        )
        crashes.raise_if_crashed()
        if not result.ok:
            reporter.failed(topic, subject, f"{name}: {result.detail}")
            raise _not_in_time(stack, engine, f"{name}: {result.detail}", timeout_s)
    while sick := sick_services(engine.observe(stack.project), engine, stack):
        crashes.raise_if_crashed()
        if time.monotonic() > deadline:
            reporter.failed(topic, subject, f"not healthy: {', '.join(sick)}")
            raise _not_in_time(stack, engine, ", ".join(sick), timeout_s)
        reporter.advance(topic, subject, f"waiting for {', '.join(sick)}")
        time.sleep(POLL_S)
    reporter.done(topic, subject, f"{len(stack.services)} containers healthy")


def readiness_order(stack: Stack) -> tuple[str, ...]:
    """The servers behind the orchestrator: once they answer through the gateway, so does all before them."""
    orchestrator = stack.service("orchestrator")
    return orchestrator.depends_on


def sick_services(observation: Observation, engine: Engine, stack: Stack) -> tuple[str, ...]:
    """Services of the stack that have no running, healthy container, in the stack's order."""
    containers = settle_health(observation.containers, engine)
    well = {c.service for c in containers if c.state == "running" and c.health is Health.HEALTHY}
    return tuple(service.name for service in stack.services if service.name not in well)


def _not_in_time(stack: Stack, engine: Engine, detail: str, timeout_s: float) -> NotHealthyError:
    observation = engine.observe(stack.project)
    lines: list[str] = []
    for name in sick_services(observation, engine, stack) or ("gateway", "orchestrator"):
        container = observation.container(name)
        if container is not None:
            lines += [f"{name} | {line}" for line in last_lines(engine, container.id)[-8:]]
    return NotHealthyError(
        f"the stack is not healthy after {timeout_s:.0f} s: {detail}",
        hint="docgenctl health, docgenctl logs; the containers are left as they are",
        code="not_in_time",
        details=lines,
    )

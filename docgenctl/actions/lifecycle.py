"""`start`, `stop`, `restart`: run or halt the containers that are there, and change nothing else of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from docgenctl.actions.changing import changing
from docgenctl.actions.choose_services import chosen_services
from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.wait_until_healthy import wait_until_healthy
from docgenctl.actions.watch_crashes import CrashWatch, watch_crashes
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import PortTakenError
from docgenctl.model.observed import Observation, ObservedContainer
from docgenctl.model.progress import Reporter
from docgenctl.model.stack import stop_grace_s
from docgenctl.planning.lifecycle import plan_start, plan_stop
from docgenctl.planning.reconcile import refuse_foreign


def stop_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str]
) -> tuple[str, ...]:
    """Stop these services (all without names); returns those that were running."""
    with changing(opened, "docgenctl stop", frees=True) as change:
        observation = _observe(opened, engine)
        plan = plan_stop(observation, chosen_services(observation, services))
        execute_plan(plan, engine, reporter)
        if plan.empty:
            change.nothing_changed()
        return tuple(step.subject for step in plan.steps)


def start_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str], *, timeout_s: float
) -> tuple[str, ...]:
    """Start these services' existing containers (all without names) and wait until they are healthy.

    Returns those that were not running. Raises PortTakenError with the way out when somebody took a port in
    the meantime, NotHealthyError for a crash or the deadline.
    """
    with (
        changing(opened, "docgenctl start") as change,
        watch_crashes(engine, opened.project.name) as crashes,
    ):
        observation = _observe(opened, engine)
        plan = plan_start(observation, chosen_services(observation, services))
        try:
            execute_plan(plan, engine, reporter)
        except PortTakenError as error:
            error.hint = "docgenctl up takes another port; or stop what holds this one"
            raise
        _wait(opened, engine, reporter, crashes, timeout_s)
        if plan.empty:
            change.nothing_changed()
        return tuple(step.subject for step in plan.steps)


def restart_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str], *, timeout_s: float
) -> tuple[str, ...]:
    """Stop and start these services' containers (all without names), and wait until they are healthy.

    Returns their names. Raises NotHealthyError for a crash after the start, or the deadline.
    """
    with changing(opened, "docgenctl restart"):
        observation = _observe(opened, engine)
        names = chosen_services(observation, services)
        containers = [container for container in observation.containers if container.service in names]

        def restart(container: ObservedContainer) -> None:
            reporter.begin("service", container.service, "restarting")
            engine.restart_container(container.id, stop_grace_s(container.service))
            reporter.done("service", container.service, "restarted")

        with ThreadPoolExecutor(max(1, len(containers)), thread_name_prefix="restart") as pool:
            list(pool.map(restart, containers))
        # Listening only from here on: the deaths that a restart brings are its own.
        with watch_crashes(engine, opened.project.name) as crashes:
            _wait(opened, engine, reporter, crashes, timeout_s)
        return tuple(container.service for container in containers)


def _wait(
    opened: OpenProject, engine: Engine, reporter: Reporter, crashes: CrashWatch, timeout_s: float
) -> None:
    """Wait for all that runs; what somebody has stopped on purpose may stay so."""
    observation = engine.observe(opened.project.name)
    running = [c.service for c in observation.containers if c.state in ("running", "restarting")]
    wait_until_healthy(
        opened.project.name, running, engine, find_endpoint(opened), crashes, reporter, timeout_s=timeout_s
    )


def _observe(opened: OpenProject, engine: Engine) -> Observation:
    observation = engine.observe(opened.project.name)
    refuse_foreign(opened.project, observation)
    return observation

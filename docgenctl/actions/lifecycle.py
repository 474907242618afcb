"""`start`, `stop`, `restart`: run or halt the containers that are there, and change nothing else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError, PortTakenError, UsageError
from docgenctl.model.observed import Observation, ObservedContainer
from docgenctl.model.progress import Reporter
from docgenctl.planning.reconcile import plan_start, plan_stop, refuse_foreign
from docgenctl.state.lock import project_lock

STOP_GRACE_S = 12


def stop_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str]
) -> tuple[str, ...]:
    """Stop these services (all without names); returns those that were running."""
    with project_lock(opened.state_dir, "stop"):
        observation = _observe(opened, engine)
        plan = plan_stop(observation, chosen_services(observation, services))
        execute_plan(plan, engine, reporter)
        return tuple(step.subject for step in plan.steps)


def start_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str]
) -> tuple[str, ...]:
    """Start these services' existing containers (all without names); returns those that were not running.

    Raises PortTakenError with the way out when somebody took a port in the meantime.
    """
    with project_lock(opened.state_dir, "start"):
        observation = _observe(opened, engine)
        plan = plan_start(observation, chosen_services(observation, services))
        try:
            execute_plan(plan, engine, reporter)
        except PortTakenError as error:
            error.hint = "docgenctl up takes another port; or stop what holds this one"
            raise
        return tuple(step.subject for step in plan.steps)


def restart_services(
    opened: OpenProject, engine: Engine, reporter: Reporter, services: Sequence[str]
) -> tuple[str, ...]:
    """Stop and start these services' containers (all without names), side by side; returns their names."""
    with project_lock(opened.state_dir, "restart"):
        observation = _observe(opened, engine)
        names = chosen_services(observation, services)
        containers = [container for container in observation.containers if container.service in names]

        def restart(container: ObservedContainer) -> None:
            reporter.begin("container", container.service, "restarting")
            engine.restart_container(container.id, STOP_GRACE_S)
            reporter.done("container", container.service, "restarted")

        with ThreadPoolExecutor(max(1, len(containers)), thread_name_prefix="restart") as pool:
            list(pool.map(restart, containers))
        return tuple(container.service for container in containers)


def chosen_services(observation: Observation, services: Sequence[str]) -> tuple[str, ...]:
    """The named services, or all there are. Raises UsageError naming the services there are."""
    present = tuple(container.service for container in observation.containers)
    if not present:
        raise NotHealthyError(
            "no container of this stack exists", hint="start it with: docgenctl up", code="never_started"
        )
    unknown = [name for name in services if name not in present]
    if unknown:
        raise UsageError(
            f"there is no service {', '.join(unknown)} here", hint=f"services: {', '.join(sorted(present))}"
        )
    return tuple(services) or present


def _observe(opened: OpenProject, engine: Engine) -> Observation:
    observation = engine.observe(opened.project.name)
    refuse_foreign(opened.project, observation)
    return observation

"""`docgenctl deploy`: to the configured version, or back to the last good one.

Theory of operation. A deployment that ends healthy records what ran: the stack as one document, the
contents of its configuration volumes and the rendered files, and nothing secret. When a later deployment
does not end healthy, exactly that stack is planned against whatever is there, its configuration is filled
in again, and it must become healthy in its turn. Images are named by content and never removed here, so
the previous ones are still in the engine. Secrets are not rolled back: they are the current ones.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from docgenctl import __version__
from docgenctl.actions.call_canaries import canaries_of, prove_canaries
from docgenctl.actions.changing import changing
from docgenctl.actions.check_health import check_health
from docgenctl.actions.design_stack import Design
from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.fill_in_contents import fill_in_contents
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.remember_content import observe_remembering, remembering
from docgenctl.actions.up import bring_up_locked
from docgenctl.actions.wait_until_healthy import wait_until_healthy
from docgenctl.actions.watch_crashes import watch_crashes
from docgenctl.configuration.migrations import values_in_current_layout
from docgenctl.engine.protocol import Engine
from docgenctl.host.workspace import service_owner
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.errors import BuildError, DocgenError, EngineError, NotHealthyError, RefusedError
from docgenctl.model.health import HealthReport
from docgenctl.model.history import Result
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Reporter
from docgenctl.model.settings import Settings
from docgenctl.model.stack import Stack
from docgenctl.planning.assemble_stack import VALKEY_NETWORK
from docgenctl.planning.reconcile import plan_up
from docgenctl.planning.resolve_servers import resolve_servers
from docgenctl.rendering.write import write_files
from docgenctl.state.store import StateStore

_STACK = TypeAdapter(Stack)


@dataclass(frozen=True, kw_only=True)
class DeployReport:
    """How a deployment ended.

    `outcome` is `deployed`, `unchanged`, `rolled_back` (the previous version serves again) or `failed`
    (nothing healthy serves); `error` is what went wrong, None when nothing did; times are in seconds.
    """

    outcome: str
    steps: tuple[str, ...]
    images: dict[str, str]
    health: HealthReport | None
    error: DocgenError | None
    rollback_error: DocgenError | None
    duration_s: float

    @property
    def succeeded(self) -> bool:
        """Whether the new version serves."""
        return self.error is None


def deploy(opened: OpenProject, engine: Engine, reporter: Reporter, *, timeout_s: float) -> DeployReport:
    """Lock, plan, build, up, health; on failure the last good stack again.

    Raises LockedError, and RefusedError for a stack of another directory, before anything is changed.
    Everything later is told in the report.
    """
    began = time.monotonic()
    with changing(opened, "docgenctl deploy") as change:
        previous = StateStore(opened.state_dir).read().last_good
        if previous is not None and previous.get("isolates", True) != engine.info().isolates:
            previous = None  # it ran on the other engine, and cannot run on this one
        try:
            result, design = bring_up_locked(opened, engine, reporter, timeout_s=timeout_s)
            health = check_health(opened, engine)
            if not health.healthy:
                raise _unhealthy(health)
        except (NotHealthyError, EngineError) as error:
            report = _go_back(opened, engine, reporter, previous, error, began, timeout_s)
            change.error = error
            change.result = Result(report.outcome)
            return report
        _remember(opened, design, result.ports, isolates=engine.info().isolates)
        if result.plan.empty:
            change.nothing_changed()
    return DeployReport(
        outcome="unchanged" if result.plan.empty else "deployed",
        steps=_told(result.plan),
        images={service.name: service.image for service in design.stack.services},
        health=health,
        error=None,
        rollback_error=None,
        duration_s=time.monotonic() - began,
    )


def _go_back(
    opened: OpenProject,
    engine: Engine,
    reporter: Reporter,
    previous: dict[str, Any] | None,
    error: DocgenError,
    began: float,
    timeout_s: float,
) -> DeployReport:
    """Start the last good stack again; a build that failed has not touched what runs."""
    steps: tuple[str, ...] = ()
    images: dict[str, str] = {}
    health = None
    rollback_error: DocgenError | None = None
    if previous is None:
        outcome = "failed"
    else:
        if not isinstance(error, BuildError):
            reporter.warn(f"{error.message}; going back to the last good version")
        try:
            stack, plan = _restore(opened, engine, reporter, previous, timeout_s)
            health = check_health(opened, engine, _recall(opened, previous)[1].servers)
            if not health.healthy:
                raise _unhealthy(health)
            outcome, steps = "rolled_back", _told(plan)
            images = {service.name: service.image for service in stack.services}
        except DocgenError as second:
            outcome, rollback_error = "failed", second
    return DeployReport(
        outcome=outcome,
        steps=steps,
        images=images,
        health=health,
        error=error,
        rollback_error=rollback_error,
        duration_s=time.monotonic() - began,
    )


def _restore(
    opened: OpenProject, engine: Engine, reporter: Reporter, previous: dict[str, Any], timeout_s: float
) -> tuple[Stack, Plan]:
    stack, blueprint = _recall(opened, previous)
    contents = fill_in_contents(opened, blueprint, previous["service_files"])
    store = StateStore(opened.state_dir)
    state = store.read()
    store.write(
        state.model_copy(
            update={
                "ports": state.ports | dict(blueprint.ports),
                "subnets": state.subnets | dict(blueprint.subnets),
            }
        )
    )
    write_files(opened.project.directory, previous["files"])
    with watch_crashes(engine, stack.project) as crashes:
        observation = observe_remembering(opened, engine)
        plan = plan_up(stack, observation)
        crashes.expect_ends(plan)
        noted = remembering(opened, observation)
        execute_plan(plan, engine, reporter, stack=stack, contents=contents, taken_over=noted)
        endpoint = find_endpoint(opened)
        wait_until_healthy(
            stack.project, stack.service_names, engine, endpoint, crashes, reporter, timeout_s=timeout_s
        )
    # As `up` does: who has just said that it is ready may be taken for absent a moment longer.
    prove_canaries(canaries_of(blueprint.servers), endpoint)
    return stack, plan


def _remember(opened: OpenProject, design: Design, ports: Mapping[str, int], *, isolates: bool) -> None:
    """Record the stack that just proved healthy as the one to go back to."""
    store = StateStore(opened.state_dir)
    last_good = {
        "settings": opened.configuration.settings.model_dump(mode="json"),
        "ports": dict(ports),
        "isolates": isolates,
        "subnets": {network.key: network.subnet for network in design.stack.networks},
        "stack": _STACK.dump_python(design.stack, mode="json"),
        "service_files": {name: dict(files) for name, files in design.service_files.items()},
        "files": dict(design.files),
    }
    store.write(store.read().model_copy(update={"last_good": last_good}))


def _recall(opened: OpenProject, previous: dict[str, Any]) -> tuple[Stack, Blueprint]:
    """What was recorded. Raises RefusedError for a record that this version does not understand."""
    try:
        settings = Settings.model_validate(values_in_current_layout(previous["settings"]))
        blueprint = Blueprint(
            project=opened.project,
            settings=settings,
            servers=resolve_servers(settings, opened.facts),
            ports=previous["ports"],
            subnets=previous["subnets"],
            owner=service_owner(opened.project.directory),
            tool_version=__version__,
            isolates=previous.get("isolates", True),
            shared_limits=VALKEY_NETWORK in previous["subnets"],
        )
        return _STACK.validate_python(previous["stack"]), blueprint
    except (KeyError, ValidationError) as error:
        raise RefusedError(
            "what was recorded of the last good version cannot be read",
            hint="correct what failed, then: docgenctl up",
            code="unreadable_record",
            details=str(error).splitlines()[:3],
        ) from error


def _told(plan: Plan) -> tuple[str, ...]:
    return tuple(str(step) for step in plan.steps)


def _unhealthy(health: HealthReport) -> NotHealthyError:
    failed = [f"{layer.layer} {layer.subject}: {layer.detail}" for layer in health.layers if not layer.ok]
    return NotHealthyError("the stack started but is not healthy", hint="docgenctl health", details=failed)

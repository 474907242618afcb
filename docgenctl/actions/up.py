"""`docgenctl up`: from whatever is to a stack that runs, is healthy and has proved it.

Theory of operation. Everything that can be decided is decided before the engine is changed: configuration,
ports, subnets, images, contents, files, plan. Then the plan is carried out. A port or subnet that was free
when probed and is taken when used sends us back to the decision with that one struck out, so the race
between probing and binding costs a round, not the command. State is written as soon as something is chosen;
a command that is interrupted anywhere is finished by the next `up`, which plans from what it finds.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from docgenctl.actions.build_images import build_images, prepare_recipes
from docgenctl.actions.call_canaries import canaries_of, prove_canaries
from docgenctl.actions.changing import changing
from docgenctl.actions.deliver_keys import deliver_after_plan
from docgenctl.actions.design_stack import Design, design_stack
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.recipe import Recipe
from docgenctl.actions.remember_content import observe_remembering, remembering
from docgenctl.actions.up_note import leave_note
from docgenctl.actions.up_result import UpResult
from docgenctl.actions.use_routes import look_at_definitions
from docgenctl.actions.wait_until_healthy import wait_until_healthy
from docgenctl.actions.watch_crashes import CrashWatch, watch_crashes
from docgenctl.engine.protocol import Engine
from docgenctl.host.workspace import prepare_output, unreadable_for
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.errors import PortTakenError, SubnetTakenError, UsageError
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Reporter
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.planning.drift import foreign_members
from docgenctl.planning.prepare import preparation_of
from docgenctl.planning.reconcile import plan_up, refuse_foreign
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.rendering.write import ChangeKind, FileChange, write_files

#: Rounds after which a host whose ports vanish faster than we bind them is given up.
ROUNDS = 20


def bring_up(
    opened: OpenProject,
    engine: Engine,
    reporter: Reporter,
    *,
    timeout_s: float,
    rebuild: bool = False,
    recreate: frozenset[str] = frozenset(),
) -> UpResult:
    """Bring the stack up; see the module's theory of operation.

    Raises LockedError, RefusedError for a stack of another directory, EngineError and BuildError,
    PortTakenError when a fixed port or a whole range is taken, NotHealthyError for a crash, the deadline or a
    tool that does not work.
    """
    with changing(opened, "docgenctl up") as change:
        result, _ = bring_up_locked(
            opened, engine, reporter, timeout_s=timeout_s, rebuild=rebuild, recreate=recreate
        )
        if result.plan.empty:
            change.nothing_changed()
        return result


def bring_up_locked(
    opened: OpenProject,
    engine: Engine,
    reporter: Reporter,
    *,
    timeout_s: float,
    rebuild: bool = False,
    recreate: frozenset[str] = frozenset(),
) -> tuple[UpResult, Design]:
    """The same for a caller that holds the lock, with the design of what runs now."""
    refuse_foreign(opened.project, engine.observe(opened.project.name))
    attempt = _Attempt(opened, engine, reporter, rebuild=rebuild, recreate=recreate)
    with watch_crashes(engine, opened.project.name) as crashes:
        started = time.monotonic()
        design, plan, blueprint = attempt.run(crashes)
        endpoint = find_endpoint(opened)
        changed = not plan.empty
        if changed:
            started = attempt.executed_at
        wait_until_healthy(
            opened.project.name,
            design.stack.service_names,
            engine,
            endpoint,
            crashes,
            reporter,
            timeout_s=timeout_s,
        )
        healthy_after_s = time.monotonic() - started
    proofs = prove_canaries(canaries_of(blueprint.servers), endpoint)
    if changed:
        look_at_definitions(opened, engine, endpoint, reporter)
    leave_note(opened, engine, blueprint, design, endpoint)
    result = UpResult(
        project=opened.project.name,
        services=design.stack.service_names,
        endpoint=endpoint,
        plan=plan,
        ports=blueprint.ports,
        proofs=proofs,
        healthy_after_s=healthy_after_s,
    )
    return result, design


def prepare_stack(
    opened: OpenProject, engine: Engine, reporter: Reporter, *, rebuild: bool = False
) -> tuple[Design, Plan]:
    """Everything that comes before containers: images, files, and the volumes filled.

    What is missing then is what Compose can do by itself from the compose file. Networks and containers stay
    as they are. Returns the design and the steps that were taken; raises as `bring_up` does, and UsageError
    on an engine without containers.
    """
    if not engine.info().isolates:
        raise UsageError(
            "Compose starts containers, and this stack runs as plain processes",
            hint="docgenctl up --no-start --engine docker, once it is down",
        )
    with changing(opened, "docgenctl up --no-start") as change:
        refuse_foreign(opened.project, engine.observe(opened.project.name))
        attempt = _Attempt(opened, engine, reporter, rebuild=rebuild, recreate=frozenset(), only_prepare=True)
        design, plan, _ = attempt.run(CrashWatch(engine, opened.project.name))
        if plan.empty:
            change.nothing_changed()
        return design, plan


class _Attempt:
    """Rounds of deciding and doing, until one round gets through."""

    def __init__(
        self,
        opened: OpenProject,
        engine: Engine,
        reporter: Reporter,
        *,
        rebuild: bool,
        recreate: frozenset[str],
        only_prepare: bool = False,
    ) -> None:
        self._opened = opened
        self._engine = engine
        self._reporter = reporter
        self._rebuild = rebuild
        self._recreate = recreate
        self._only_prepare = only_prepare
        self._busy_ports: frozenset[int] = frozenset()
        self._busy_subnets: frozenset[str] = frozenset()
        self._built: tuple[Mapping[str, Recipe], Mapping[str, ImageChoice]] | None = None
        self.executed_at = time.monotonic()

    def run(self, crashes: CrashWatch) -> tuple[Design, Plan, Blueprint]:
        for _ in range(ROUNDS - 1):
            try:
                return self._round(crashes)
            except PortTakenError as error:
                self._strike_port(error)
            except SubnetTakenError as error:
                if error.subnet in self._busy_subnets:
                    raise
                self._reporter.say(f"subnet {error.subnet} is in use; taking another")
                self._busy_subnets |= {error.subnet}
        return self._round(crashes)

    def _round(self, crashes: CrashWatch) -> tuple[Design, Plan, Blueprint]:
        opened, engine = self._opened, self._engine
        observation = observe_remembering(opened, engine)
        blueprint = draw_blueprint(
            opened,
            observation,
            busy_ports=self._busy_ports,
            busy_subnets=self._busy_subnets,
            find_holders=lambda ports: find_port_holders(ports, engine),
        )
        for change in (*blueprint.substitutions, *blueprint.subnet_moves):
            self._reporter.say(str(change))
        configured = opened.configuration.settings.orchestrator.replicas
        if blueprint.replicas != configured:
            self._reporter.say(
                f"orchestrator runs {blueprint.replicas} times, as docgenctl scale said;"
                f" docgen.yaml says {configured}"
            )
        prepare_workspace(blueprint, self._reporter)
        recipes, images = self._images(blueprint)
        design = design_stack(opened, blueprint, recipes, images)
        self._tell_files(write_files(opened.project.directory, design.files))
        plan = plan_up(design.stack, observation, recreate=self._recreate)
        for finding in foreign_members(design.stack, observation):
            self._reporter.warn(finding)
        if self._only_prepare:
            plan = preparation_of(plan, design.stack)
        crashes.expect_ends(plan)
        self.executed_at = time.monotonic()
        execute_plan(
            plan,
            engine,
            self._reporter,
            stack=design.stack,
            contents=design.contents,
            taken_over=remembering(opened, observation),
        )
        deliver_after_plan(opened.state_dir, engine, plan, design)
        return design, plan, blueprint

    def _tell_files(self, changes: tuple[FileChange, ...]) -> None:
        written = [change.path for change in changes if change.kind is not ChangeKind.UNCHANGED]
        if written:
            shown = [path for path in written if not path.startswith(".docgen/")]
            folder = [".docgen/"] if len(shown) < len(written) else []
            self._reporter.say(f"wrote {', '.join([*shown, *folder])}")

    def _images(self, blueprint: Blueprint) -> tuple[Mapping[str, Recipe], Mapping[str, ImageChoice]]:
        """Images depend on neither ports nor subnets, so a further round keeps those of the first."""
        if self._built is None:
            recipes = prepare_recipes(self._opened, blueprint, self._engine, self._reporter)
            images = build_images(recipes, self._engine, self._reporter, force=self._rebuild)
            self._built = (recipes, images)
        return self._built

    def _strike_port(self, error: PortTakenError) -> None:
        """Try another port, unless it was fixed or none was left to begin with."""
        settings = self._opened.configuration.settings
        wanted = wanted_ports(settings, resolve_servers(settings, self._opened.facts))
        fixed = any(range_.fixed and range_.first == error.host_port for range_ in wanted.values())
        if fixed or error.host_port in self._busy_ports:
            raise error
        self._reporter.say(f"port {error.host_port} was taken in the meantime; taking another")
        self._busy_ports |= {error.host_port}


def prepare_workspace(blueprint: Blueprint, reporter: Reporter) -> None:
    """Make the output folder, and say so when main will not be able to read the workspace."""
    directory: Path = blueprint.project.directory
    if not any(server.facts.workspace for server in blueprint.servers):
        return
    prepare_output(directory, blueprint.settings.workspace.output, blueprint.owner)
    if unreadable_for(directory, blueprint.owner):
        uid = blueprint.owner.partition(":")[0]
        reporter.warn(
            f"{directory} cannot be read by main, which runs as uid {uid}: documents will be empty. "
            f"To change that: chmod o+rx {directory}"
        )

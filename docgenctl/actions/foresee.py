"""`docgenctl plan` and every `--dry-run`: what a command would do, found out without doing it.

Theory of operation. The design of the stack is made by the same code that `up` runs, inside a rehearsal (see
`docgenctl.files.rehearsal`): keys, certificates and choices come into being in memory and are forgotten.
Observing the engine changes nothing, the planner is pure, and files are compared instead of written. No lock
is held, so a plan may be asked for while another command runs; it tells what that one has done so far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from docgenctl.actions.build_images import is_made_from, write_recipes
from docgenctl.actions.choose_services import chosen_services
from docgenctl.actions.design_stack import design_stack
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.foresee_bases import foresee_bases
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.process_recipe import process_recipes
from docgenctl.actions.recipe import Recipe
from docgenctl.actions.remember_content import observe_remembering
from docgenctl.engine.protocol import Engine
from docgenctl.files.rehearsal import Rehearsal, current_rehearsal
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.forecast import FileForecast, Forecast, ImageForecast, ServiceForecast
from docgenctl.model.observed import Observation
from docgenctl.model.plan import Plan
from docgenctl.model.setting_values import PortRange
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.planning.drift import foreign_members
from docgenctl.planning.lifecycle import plan_down, plan_start, plan_stop
from docgenctl.planning.prepare import preparation_of
from docgenctl.planning.reconcile import plan_up, refuse_foreign
from docgenctl.planning.resolve_servers import wanted_ports
from docgenctl.planning.tell_plan import moved_ports, touched_services
from docgenctl.rendering.write import ChangeKind, FileChange, compare_files
from docgenctl.state.known_names import Names
from docgenctl.state.store import StateStore

#: Files of the state that are bookkeeping; the others are keys and certificates, worth telling.
_BOOKKEEPING = (
    *("state.json", "api-key-dates.json", "gateway-verdict.json", "glance.json"),
    *(names.value for names in Names),
)
_NOTHING = Observation(containers=(), networks=(), volumes=(), foreign_subnets=())
_NO_ENGINE = "without an engine: which containers, networks and volumes there are"


def foresee_up(
    opened: OpenProject,
    engine: Engine | None,
    *,
    command: str = "up",
    rebuild: bool = False,
    recreate: frozenset[str] = frozenset(),
    no_start: bool = False,
    for_containers: bool = False,
) -> Forecast:
    """What `up` would do. Without an engine only files, ports, keys and image names are foreseen.

    `for_containers` foresees the stack as containers even where it runs as processes.

    Must run inside a rehearsal. Raises RefusedError for a stack of another directory or a file in the way,
    PortTakenError when no port is free, and EngineError: all as `up` would.
    """
    sheet = _sheet()
    observation = observe_remembering(opened, engine) if engine else None
    if observation is not None:
        refuse_foreign(opened.project, observation)
        if for_containers:
            observation = replace(observation, isolates=True)
    remembered = StateStore(opened.state_dir).read().ports
    blueprint = draw_blueprint(opened, observation)
    recipes, to_fetch = _recipes(opened, blueprint, engine)
    images, builds = _images(recipes, engine, rebuild=rebuild)
    design = design_stack(opened, blueprint, recipes, images)
    files = compare_files(opened.project.directory, design.files)
    seen = observation or _NOTHING
    plan = plan_up(design.stack, seen, recreate=recreate) if observation else Plan(steps=())
    if no_start:
        plan = preparation_of(plan, design.stack)
    return Forecast(
        project=opened.project.name,
        command=command,
        engine=engine_name(engine),
        plan=plan,
        images=_image_forecasts(builds, recipes, seen, files, rebuild=rebuild) if engine else (),
        services=touched_services(plan, seen),
        files=_file_forecasts(files),
        moves=moved_ports(blueprint.ports, remembered, _wanted(opened, blueprint)),
        ports=dict(blueprint.ports),
        made=_made(sheet, opened),
        findings=foreign_members(design.stack, seen),
        unknown=(*_unfetched(to_fetch), *(() if engine else (_NO_ENGINE,))),
    )


def foresee_render(opened: OpenProject, engine: Engine | None) -> Forecast:
    """What `render` would write."""
    whole = foresee_up(opened, engine, for_containers=True)
    return Forecast(
        project=whole.project,
        command="render",
        engine=whole.engine,
        files=whole.files,
        moves=whole.moves,
        ports=whole.ports,
        made=whole.made,
        unknown=whole.unknown,
    )


def foresee_build(opened: OpenProject, engine: Engine, *, rebuild: bool, pull: bool) -> Forecast:
    """Which images `build` would build."""
    whole = foresee_up(opened, engine, rebuild=rebuild)
    asked = ("what the registries give for the base images, which are asked again",) if pull else ()
    return Forecast(
        project=whole.project,
        command="build",
        engine=whole.engine,
        images=whole.images,
        unknown=(*whole.unknown, *asked),
    )


def foresee_down(
    opened: OpenProject, engine: Engine, *, with_data: bool, before: Engine | None = None
) -> Forecast:
    """What `down` would remove, as `take_down` does. Raises RefusedError for a stack of another directory."""
    observation = _observed(opened, engine)
    plan = plan_down(opened.project.name, observation, with_data=with_data)
    if before is not None:
        left = plan_down(opened.project.name, _observed(opened, before), with_data=with_data)
        plan = Plan(steps=(*plan.steps, *left.steps))
    return _of_plan(opened, engine, "down", plan, observation)


def foresee_stop(opened: OpenProject, engine: Engine, services: Sequence[str]) -> Forecast:
    """Which services `stop` would stop. Raises UsageError for a service there is none of."""
    observation = _observed(opened, engine)
    plan = plan_stop(observation, chosen_services(observation, services))
    return _of_plan(opened, engine, "stop", plan, observation)


def foresee_start(opened: OpenProject, engine: Engine, services: Sequence[str]) -> Forecast:
    """Which services `start` would start. Raises UsageError for a service there is none of."""
    observation = _observed(opened, engine)
    plan = plan_start(observation, chosen_services(observation, services))
    return _of_plan(opened, engine, "start", plan, observation)


def foresee_restart(opened: OpenProject, engine: Engine, services: Sequence[str]) -> Forecast:
    """Which services `restart` would restart. Raises UsageError for a service there is none of."""
    observation = _observed(opened, engine)
    names = chosen_services(observation, services)
    return Forecast(
        project=opened.project.name,
        command="restart",
        engine=engine_name(engine),
        services=tuple(
            ServiceForecast(
                service=container.service,
                action="restarted",
                cause="asked for",
                interrupts=container.state in ("running", "restarting"),
            )
            for container in observation.containers
            if container.service in names
        ),
    )


def _of_plan(
    opened: OpenProject, engine: Engine, command: str, plan: Plan, observation: Observation
) -> Forecast:
    return Forecast(
        project=opened.project.name,
        command=command,
        engine=engine_name(engine),
        plan=plan,
        services=touched_services(plan, observation),
    )


def _observed(opened: OpenProject, engine: Engine) -> Observation:
    observation = engine.observe(opened.project.name)
    refuse_foreign(opened.project, observation)
    return observation


def _recipes(
    opened: OpenProject, blueprint: Blueprint, engine: Engine | None
) -> tuple[Mapping[str, Recipe], tuple[str, ...]]:
    """The recipe of every service, and the bases that would have to be fetched or made first."""
    if not blueprint.isolates:
        return process_recipes(opened, blueprint), ()
    architecture = engine.info().architecture if engine else "amd64"
    docker = engine if engine and engine.info().isolates else None
    foreseen = foresee_bases(opened, docker, architecture, shared_limits=blueprint.shared_limits)
    return write_recipes(opened, blueprint, foreseen.bases, architecture), foreseen.to_fetch


def _images(
    recipes: Mapping[str, Recipe], engine: Engine | None, *, rebuild: bool
) -> tuple[dict[str, ImageChoice], frozenset[str]]:
    """The image of every service, and the references that would be built."""
    known: dict[str, str] = {}
    builds: set[str] = set()
    for recipe in recipes.values():
        if recipe.reference not in known and recipe.reference not in builds:
            image = engine.find_image(recipe.reference) if engine and not rebuild else None
            if image is not None and is_made_from(image, recipe):
                known[recipe.reference] = image.id
            else:
                builds.add(recipe.reference)
    choices = {
        service: ImageChoice(reference=recipe.reference, id=known.get(recipe.reference, ""))
        for service, recipe in recipes.items()
    }
    return choices, frozenset(builds)


def _image_forecasts(
    builds: frozenset[str],
    recipes: Mapping[str, Recipe],
    observation: Observation,
    files: Sequence[FileChange],
    *,
    rebuild: bool,
) -> tuple[ImageForecast, ...]:
    changed = {file.path for file in files if file.kind is ChangeKind.CHANGED}
    forecasts = []
    for reference in sorted(builds):
        services = tuple(service for service, recipe in recipes.items() if recipe.reference == reference)
        cause = "asked for" if rebuild else _build_cause(services[0], reference, observation, changed)
        forecasts.append(ImageForecast(reference=reference, services=services, cause=cause))
    return tuple(forecasts)


def _build_cause(service: str, reference: str, observation: Observation, changed: set[str]) -> str:
    container = observation.container(service)
    if container is None:
        return "not in the engine"
    if container.image == reference:
        return "it was removed from the engine, or its name given to another image"
    dockerfiles = (f".docgen/{service}/Dockerfile", f".docgen/servers/{service}/Dockerfile")
    if any(path in changed for path in dockerfiles):
        return "its base image or its Dockerfile changed"
    return "its sources or requirements changed"


def _file_forecasts(files: Sequence[FileChange]) -> tuple[FileForecast, ...]:
    return tuple(
        FileForecast(path=file.path, change=file.kind.value, diff=file.diff)
        for file in files
        if file.kind is not ChangeKind.UNCHANGED
    )


def _made(sheet: Rehearsal, opened: OpenProject) -> tuple[str, ...]:
    names = (*sheet.made(opened.state_dir), *sheet.renewed(opened.state_dir))
    return tuple(sorted(name for name in names if name not in _BOOKKEEPING))


def _wanted(opened: OpenProject, blueprint: Blueprint) -> Mapping[str, PortRange]:
    return wanted_ports(opened.configuration.settings, blueprint.servers)


def _unfetched(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"what is built on {name}: it is not here yet, and would be pulled or made first" for name in names
    )


def engine_name(engine: Engine | None) -> str | None:
    """What a forecast calls the engine; None without one."""
    return None if engine is None else f"{engine.info().name} {engine.info().version}"


def _sheet() -> Rehearsal:
    sheet = current_rehearsal()
    if sheet is None:
        raise AssertionError("a forecast is made inside a rehearsal")
    return sheet

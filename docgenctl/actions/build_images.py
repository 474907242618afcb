"""Build the images whose content changed: an image's tag is the digest of its recipe.

The recipe is the Dockerfile with its pinned base, the lock with its hashes and the sources. Wheels and the
tar are only fetched and written for an image that the engine does not have yet.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from docgenctl.actions.cache import cache_directory
from docgenctl.actions.choose_bases import Bases, choose_bases
from docgenctl.actions.choose_origins import choose_origins
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.package_recipes import PackageFiles, package_files
from docgenctl.actions.process_recipe import process_recipes
from docgenctl.actions.recipe import Recipe
from docgenctl.engine.protocol import Engine
from docgenctl.images.context import Context, assemble, proxy_context, server_context, with_files
from docgenctl.images.facts import load_image_facts
from docgenctl.images.wheels import fetch_wheels
from docgenctl.model.blueprint import SERVICE_UID, Blueprint, origin_name
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.locations import server_images_directory, templates_directory
from docgenctl.model.observed import ObservedImage
from docgenctl.model.progress import Reporter
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.rendering.dockerfiles import render_dockerfile

#: Two builds at once fill a small machine; more only make each of them slower.
PARALLEL_BUILDS = 2


def write_recipes(
    opened: OpenProject, blueprint: Blueprint, bases: Bases, architecture: str
) -> dict[str, Recipe]:
    """The recipe of every service's image, by service."""
    cache_dir = cache_directory(opened.environ)
    recipes = {}
    for server in blueprint.servers:
        packages = package_files(
            server,
            opened.project.directory,
            python=blueprint.settings.images.python,
            architecture=architecture,
            cache_dir=cache_dir,
        )
        facts = load_image_facts(server.facts.name)
        recipe = _server_recipe(facts, bases, blueprint, architecture, cache_dir, packages)
        recipes[server.name] = replace(recipe, image=f"adapter-{server.name}") if packages else recipe
        if server.name in bases.origins:
            recipes[origin_name(server.name)] = _origin_recipe(server.name, bases.origins[server.name])
    recipes["orchestrator"] = _server_recipe(
        load_image_facts("orchestrator"), bases, blueprint, architecture, cache_dir
    )
    # HAProxy's own image has what the gateway needs; the others fetch a package unless it was fetched before.
    recipes["gateway"] = _debian_recipe("gateway", bases.gateway, bases.gateway_debs, fetches=False)
    recipes["egress"] = _debian_recipe("egress", bases.egress, bases.egress_debs)
    if blueprint.shared_limits:
        recipes["valkey"] = _debian_recipe("valkey", bases.valkey, bases.valkey_debs)
    return recipes


def build_images(
    recipes: Mapping[str, Recipe], engine: Engine, reporter: Reporter, *, force: bool = False
) -> dict[str, ImageChoice]:
    """The image of every service, built where the engine lacks it (or always, with `force`).

    Raises BuildError with the last lines of the output, and EngineError when wheels cannot be had.
    """
    distinct = {recipe.reference: recipe for recipe in recipes.values()}
    pool = ThreadPoolExecutor(PARALLEL_BUILDS, thread_name_prefix="build")
    try:
        images = pool.map(lambda recipe: _ensure(recipe, engine, reporter, force=force), distinct.values())
        built = dict(zip(distinct, images, strict=True))
    except KeyboardInterrupt:
        # Who interrupts does not want to wait for builds; ending the process ends them.
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return {service: built[recipe.reference] for service, recipe in recipes.items()}


def prepare_recipes(
    opened: OpenProject, blueprint: Blueprint, engine: Engine, reporter: Reporter, *, pull: bool = False
) -> dict[str, Recipe]:
    """Recipes on pinned bases, which are pulled or made if need be; `pull` asks the registries again."""
    if not blueprint.isolates:
        return process_recipes(opened, blueprint)
    bases = choose_bases(
        opened,
        engine,
        cache_directory(opened.environ),
        reporter,
        shared_limits=blueprint.shared_limits,
        pull=pull,
    )
    bases = replace(bases, origins=choose_origins(opened, blueprint, engine, reporter, pull=pull))
    return write_recipes(opened, blueprint, bases, engine.info().architecture)


def is_made_from(image: ObservedImage, recipe: Recipe) -> bool:
    """Whether it is the recipe's image, and not another one that somebody gave its name."""
    return image.labels.get(LABEL_CONTENT_DIGEST) == recipe.context.digest


def _ensure(recipe: Recipe, engine: Engine, reporter: Reporter, *, force: bool) -> ImageChoice:
    reference = recipe.reference
    image = None if force else engine.find_image(reference)
    if image is None or not is_made_from(image, recipe):
        reporter.begin("image", recipe.image, "building")

        def on_line(line: str) -> None:
            reporter.advance("image", recipe.image, line)

        try:
            context = recipe.complete(on_line)
            with context.data as data:
                image = engine.build_image(
                    data,
                    reference,
                    {LABEL_CONTENT_DIGEST: recipe.context.digest},
                    on_line,
                    network=recipe.network,
                )
        except BaseException:
            reporter.failed("image", recipe.image, "not built")
            raise
        reporter.done("image", recipe.image, f"built {reference}, {image.size_bytes / 1e6:.0f} MB")
    return ImageChoice(reference=reference, id=image.id)


def _server_recipe(
    facts: ImageFacts,
    bases: Bases,
    blueprint: Blueprint,
    architecture: str,
    cache_dir: Path,
    packages: PackageFiles | None = None,
) -> Recipe:
    dockerfile = _dockerfile(
        "server",
        base=bases.server,
        server=facts.name,
        title=facts.title,
        module=facts.module,
        packages=packages.registry if packages else None,
        commands=dict(packages.commands) if packages else {},
    )
    requirements = server_images_directory() / facts.name / "requirements.txt"
    own = packages.files if packages else {}

    def complete(on_line: Callable[[str], None]) -> Context:
        wheels = fetch_wheels(
            requirements,
            python=blueprint.settings.images.python,
            architecture=architecture,
            cache_dir=cache_dir,
            on_line=on_line,
        )
        context = server_context(facts.name, dockerfile, wheels, own)
        return with_files(context, packages.fetch(on_line)) if packages else context

    context = server_context(facts.name, dockerfile, more=own)
    return Recipe(image=facts.name, dockerfile=dockerfile, context=context, complete=complete)


def _debian_recipe(image: str, base: str, debs: Path | None, *, fetches: bool = True) -> Recipe:
    """An image of one program from Debian, from packages in `debs` where there are some."""
    dockerfile = _dockerfile(image, base=base, debs=debs is not None)
    context = proxy_context(dockerfile, debs)
    return Recipe(
        image=image,
        dockerfile=dockerfile,
        context=context,
        complete=lambda _: context,
        network=fetches and debs is None,
    )


def _origin_recipe(server: str, base: str) -> Recipe:
    """The image of somebody else as it is, under a name of ours."""
    dockerfile = _dockerfile("origin", base=base, server=server)
    context = assemble(dockerfile, {})
    return Recipe(
        image=origin_name(server), dockerfile=dockerfile, context=context, complete=lambda _: context
    )


def _dockerfile(kind: str, **variables: object) -> str:
    return render_dockerfile(kind, {"uid": SERVICE_UID, **variables}, templates_directory())

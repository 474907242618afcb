"""How the one image of a stack of processes is made: a virtual environment beside the servers' sources.

All servers share it, since their locks agree on every version they have in common; pip refuses when they do
not. The locks name the hashes of every file of a version, so the same locks serve whatever Python runs here.
"""

import json
import platform
import sys
import sysconfig
from collections.abc import Callable

from docgenctl.actions.recipe import Recipe
from docgenctl.images.context import Context, process_context
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import PROCESS_RECIPE

_VENV = "opt/docgen/venv"


def process_recipes(blueprint: Blueprint) -> dict[str, Recipe]:
    """The recipe of every service, by service: the same one for all."""
    names = sorted({"orchestrator", *(server.facts.name for server in blueprint.servers)})
    text = _recipe(names)
    context = process_context(names, text, PROCESS_RECIPE)

    def complete(_: Callable[[str], None]) -> Context:
        return context

    recipe = Recipe(image="processes", dockerfile=text, context=context, complete=complete, network=True)
    return dict.fromkeys((*(server.name for server in blueprint.servers), "orchestrator", "gateway"), recipe)


def _recipe(names: list[str]) -> str:
    python = f"{_VENV}/bin/python"
    install = ["{python}", "-m", "pip", "--python", python, "install", "--quiet", "--no-input"]
    install += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    install += ["--disable-pip-version-check", "--root-user-action", "ignore", "--no-warn-script-location"]
    for name in names:
        install += ["--requirement", f"requirements/{name}.txt"]
    compiled = ["-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    document = {
        "made_for": [sys.version, sysconfig.get_platform(), platform.libc_ver(), sys.base_prefix],
        "steps": [
            ["{python}", "-m", "venv", "--without-pip", _VENV],
            install,
            [python, *compiled, f"{_VENV}/lib", "opt/docgen/app"],
        ],
        "needs": [python],
        "environment": {
            "PYTHONPATH": "/opt/docgen/app",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    }
    return json.dumps(document, indent=2)

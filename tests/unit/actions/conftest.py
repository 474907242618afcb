"""A project in a directory of its own, and an engine in memory that has its images."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from docgenctl.actions.build_images import prepare_recipes
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.actions.recipe import Recipe
from docgenctl.model.progress import Silent
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from tests.contract.fake_engine import FakeEngine
from tests.unit.actions.stage import Stage, free_range

OpenWith = Callable[..., OpenProject]


@pytest.fixture
def open_with(tmp_path: Path) -> OpenWith:
    """Opens the project with these settings, each time anew, as another command would."""

    def opening(settings: Mapping[str, Any] | None = None) -> OpenProject:
        workspace = tmp_path / "workspace"
        workspace.mkdir(exist_ok=True)
        base = {
            "project": "demo",
            "ports": {"orchestrator": free_range()},
            "servers": {
                "main": {"port": free_range(), "health_port": free_range()},
                "github": {"port": free_range()},
            },
        }
        environ = {
            "DOCGENCTL_STATE_DIR": str(tmp_path / "state"),
            "DOCGENCTL_CACHE_DIR": str(tmp_path / "cache"),
        }
        return open_project(workspace, environ, flags=flattened(base | dict(settings or {})))

    return opening


def flattened(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings as key paths."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, Mapping)
        flat |= flattened(value, f"{before}{key}/") if nested else {f"{before}{key}": value}
    return flat


@pytest.fixture
def stage(open_with: OpenWith) -> Stage:
    """An engine on which the configured stack could be started."""
    opened = open_with()
    engine = FakeEngine()
    images = opened.configuration.settings.images
    engine.pullable |= {images.base, images.gateway, images.egress}
    for recipe in recipes_of(opened, engine).values():
        engine.add_image(recipe.reference, {LABEL_CONTENT_DIGEST: recipe.context.digest})
    engine.calls.clear()
    return Stage(opened=opened, engine=engine)


def recipes_of(opened: OpenProject, engine: FakeEngine) -> dict[str, Recipe]:
    blueprint = draw_blueprint(opened, engine.observe(opened.project.name))
    return prepare_recipes(opened, blueprint, engine, Silent())

"""`docgenctl build`: make the images whose content changed, and start nothing."""

from collections.abc import Mapping

from docgenctl.actions.build_images import build_images, prepare_recipes
from docgenctl.actions.changing import changing
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.model.progress import Reporter
from docgenctl.planning.assemble_stack import ImageChoice


def build_only(
    opened: OpenProject, engine: Engine, reporter: Reporter, *, rebuild: bool, pull: bool
) -> Mapping[str, ImageChoice]:
    """The image of every service; `rebuild` builds those too that are there, `pull` renews the bases."""
    with changing(opened, "docgenctl build"):
        blueprint = draw_blueprint(opened, engine.observe(opened.project.name))
        recipes = prepare_recipes(opened, blueprint, engine, reporter, pull=pull)
        return build_images(recipes, engine, reporter, force=rebuild)

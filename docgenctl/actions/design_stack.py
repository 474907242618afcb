"""Put together everything that is wanted: the stack, what its volumes hold, the files people can read."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgenctl.actions.fill_in_contents import fill_in_contents
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.recipe import Recipe
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.locations import templates_directory
from docgenctl.model.stack import Stack, VolumeContent
from docgenctl.planning.assemble_stack import ImageChoice, assemble_stack
from docgenctl.rendering.configuration_files import render_service_files
from docgenctl.rendering.project_files import render_project
from docgenctl.state.known_names import Names, remember_names


@dataclass(frozen=True, kw_only=True)
class Design:
    """`stack` as it shall run, `contents` by volume key, `files` by path in the workspace."""

    stack: Stack
    contents: Mapping[str, VolumeContent]
    service_files: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]


def design_stack(
    opened: OpenProject,
    blueprint: Blueprint,
    recipes: Mapping[str, Recipe],
    images: Mapping[str, ImageChoice] | None = None,
) -> Design:
    """The design of a blueprint; without `images` from the recipes alone, before anything was built.

    The names of its services are remembered, to complete command lines with.
    """
    chosen = images or {
        service: ImageChoice(reference=recipe.reference) for service, recipe in recipes.items()
    }
    templates = templates_directory()
    service_files = render_service_files(blueprint, templates)
    contents = fill_in_contents(opened, blueprint, service_files)
    versions = {key: content.lasting or content.version for key, content in contents.items()}
    stack = assemble_stack(blueprint, chosen, versions)
    remember_names(opened.state_dir, Names.SERVICES, stack.service_names)
    dockerfiles = {service: recipe.dockerfile for service, recipe in recipes.items() if blueprint.isolates}
    files = render_project(blueprint, stack, dockerfiles, templates)
    return Design(stack=stack, contents=contents, service_files=service_files, files=files)

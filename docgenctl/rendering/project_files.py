"""Every file that is written to the workspace, as text by relative path."""

from collections.abc import Mapping
from pathlib import Path

from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import Stack
from docgenctl.rendering.compose_file import render_compose
from docgenctl.rendering.configuration_files import render_service_files
from docgenctl.rendering.env_files import render_env, render_env_template
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.manifest import render_manifest
from docgenctl.rendering.stamp import stamp_text
from docgenctl.rendering.write import FOLDER

_INFRASTRUCTURE = ("gateway", "egress", "orchestrator", "valkey")


def render_project(
    blueprint: Blueprint, stack: Stack, dockerfiles: Mapping[str, str], templates: Path
) -> Mapping[str, str]:
    """Relative path (with slashes) → text; the same input gives the same bytes.

    Args:
        blueprint: what is rendered.
        stack: the stack assembled from it.
        dockerfiles: service → text of its Dockerfile; services without one get none.
        templates: directory of all templates.

    Raises:
        DocgenError: a template is broken.
        ConfigurationError: a value cannot be written in a file's format.
    """
    files = {
        ".env.mcp": render_env(blueprint, templates),
        ".env.mcp.template": render_env_template(blueprint, templates),
        f"{FOLDER}/.gitignore": render_template(templates, "env/gitignore.j2", _stamp(blueprint)),
    }
    if blueprint.isolates:  # what runs without containers is nothing that Compose could start
        files["docker-compose.mcp.yml"] = render_compose(stack, blueprint, templates)
    for service, texts in render_service_files(blueprint, templates).items():
        for name, text in texts.items():
            files[_place(service, name)] = text
    for service, text in dockerfiles.items():
        files[_place(service, "Dockerfile")] = f"# {stamp_text(blueprint.tool_version)}\n{text}"
    for server in blueprint.servers:
        files[_place(server.name, "mcp-manifest.json")] = render_manifest(server, blueprint, templates)
    return dict(sorted(files.items()))


def _place(service: str, name: str) -> str:
    if name == "routing.yaml":  # the reference has it at the top
        return f"{FOLDER}/{name}"
    return (
        f"{FOLDER}/{service}/{name}" if service in _INFRASTRUCTURE else f"{FOLDER}/servers/{service}/{name}"
    )


def _stamp(blueprint: Blueprint) -> Mapping[str, str]:
    return {"stamp": stamp_text(blueprint.tool_version)}

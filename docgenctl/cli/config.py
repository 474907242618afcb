"""`docgenctl config`."""

import os
from typing import Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import BaseImage, Json, Port, ProjectDir, setting_flags

app = new_app(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Check and explain the configuration."""


@app.command()
def validate(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Check docgen.yaml, the environment and .env; all mistakes at once."""
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    configuration = open_project(project_dir, os.environ).configuration
    file = str(configuration.file) if configuration.file else None
    if json_mode:
        console.json({"valid": True, "file": file})
    else:
        console.line(f"{file} is valid" if file else "There is no docgen.yaml; the defaults are valid.")


@app.command()
def show(
    project_dir: ProjectDir = None,
    origins: Annotated[bool, typer.Option("--origins", help="Say where each value comes from.")] = False,
    port: Port = None,
    base_image: BaseImage = None,
    json_mode: Json = False,
) -> None:
    """Print the settings in force."""
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    configuration = open_project(project_dir, os.environ, setting_flags(port, base_image)).configuration
    settings = configuration.settings.model_dump(mode="json")
    flat = {path: _plain(_value(settings, path), path) for path in configuration.origins}
    if json_mode:
        document: dict[str, Any] = {"settings": settings}
        if origins:
            document["origins"] = dict(configuration.origins)
        console.json(document)
    elif origins:
        rows = [[path, flat[path], origin] for path, origin in configuration.origins.items()]
        console.table(["SETTING", "VALUE", "FROM"], rows)
    else:
        console.table(["SETTING", "VALUE"], [[path, value] for path, value in flat.items()])


@app.command()
def schema() -> None:
    """Print the JSON schema of docgen.yaml, for editors."""
    from docgenctl.configuration.schema import docgen_schema
    from docgenctl.images.facts import all_image_facts

    Console(json_mode=True).json(docgen_schema(all_image_facts()))


def _value(settings: Any, path: str) -> Any:
    for part in path.split("/"):
        if not isinstance(settings, dict) or part not in settings:
            return None
        settings = settings[part]
    return settings


def _plain(value: Any, path: str) -> str:
    """A value as it would stand in docgen.yaml."""
    from docgenctl.model.settings import format_size

    if path.endswith(("/memory", "/max_body")) and isinstance(value, int):
        return format_size(value)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "not set" if value is None else str(value)

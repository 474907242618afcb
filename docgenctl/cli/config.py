"""`docgenctl config`: look at the configuration. What changes it is in `config_change`."""

import json
import os
from typing import Annotated, Any

import typer

from docgenctl.cli import config_change, suggestions
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import BaseImage, Json, Port, ProjectDir, setting_flags

app = new_app(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Check, explain and change the configuration."""


@app.command()
def validate(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Check docgen.yaml, the environment and .env; all mistakes at once."""
    from docgenctl.actions.open_project import read_configuration

    console = Console(json_mode=json_mode)
    configuration, _ = read_configuration(project_dir, os.environ)
    file = str(configuration.file) if configuration.file else None
    console.notes(configuration.notes)
    if json_mode:
        console.json({"valid": True, "file": file, "notes": list(configuration.notes)})
    else:
        console.line(f"{file} is valid" if file else "There is no docgen.yaml; the defaults are valid.")


@app.command()
def show(
    project_dir: ProjectDir = None,
    origins: Annotated[
        bool, typer.Option("--origins", "--sources", help="Say where each value comes from.")
    ] = False,
    port: Port = None,
    base_image: BaseImage = None,
    json_mode: Json = False,
) -> None:
    """Print the settings in force."""
    from docgenctl.actions.open_project import read_configuration

    console = Console(json_mode=json_mode)
    configuration, _ = read_configuration(project_dir, os.environ, setting_flags(port, base_image))
    console.notes(configuration.notes)
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
def get(
    key: Annotated[
        str,
        typer.Argument(
            help="Key path of a setting or section, such as servers/main/port.",
            metavar="KEY",
            autocompletion=suggestions.settings,
        ),
    ],
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Print one setting in force, or all below a section."""
    from docgenctl.actions.open_project import read_configuration
    from docgenctl.configuration.key_paths import typed_path
    from docgenctl.configuration.settings_tree import Setting
    from docgenctl.images.facts import all_image_facts
    from docgenctl.model.errors import UsageError

    console = Console(json_mode=json_mode)
    path, node = typed_path(key, all_image_facts())
    configuration, _ = read_configuration(project_dir, os.environ)
    console.notes(configuration.notes)
    key = "/".join(path)
    settings = configuration.settings.model_dump(mode="json")
    if isinstance(node, Setting):
        if key not in configuration.origins:
            raise UsageError(f"{key} is not set and has no default", hint=f"docgenctl config set {key} VALUE")
        found = {key: _value(settings, key)}
    else:
        found = {name: _value(settings, name) for name in configuration.origins if name.startswith(key + "/")}
    if json_mode:
        console.json({name: {"value": found[name], "from": configuration.origins[name]} for name in found})
    elif isinstance(node, Setting):
        console.line(_bare(found[key], key))
    else:
        console.table(["SETTING", "VALUE"], [[name, _plain(value, name)] for name, value in found.items()])


@app.command()
def schema() -> None:
    """Print the JSON schema of docgen.yaml, for editors."""
    from docgenctl.configuration.schema import docgen_schema
    from docgenctl.images.facts import all_image_facts

    Console(json_mode=True).json(docgen_schema(all_image_facts()))


config_change.add_to(app)


def _value(settings: Any, path: str) -> Any:
    for part in path.split("/"):
        if not isinstance(settings, dict) or part not in settings:
            return None
        settings = settings[part]
    return settings


def _plain(value: Any, path: str) -> str:
    """A value as it would stand in docgen.yaml."""
    from docgenctl.configuration.settings_tree import Section, Setting, as_written, settings_tree

    node: Any = settings_tree()
    for part in path.split("/"):
        node = node.children[part] if isinstance(node, Section) else getattr(node, "each", node)
    value = as_written(node.field, value) if isinstance(node, Setting) and node.field else value
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "not set" if value is None else str(value)


def _bare(value: Any, path: str) -> str:
    """A value alone, for scripts: nothing for one that is not set, JSON for a list."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else _plain(value, path)

"""pyproject.toml in its dialects, setup.cfg and Pipfile."""

import configparser
import tomllib
from collections.abc import Iterable
from typing import Any

from docgen_main.facts.manifests.requirements import requirements
from docgen_main.facts.manifests.values import table, text
from docgen_main.facts.model import Command, Dependency, Manifest

#: tables of scripts that a tool runs: where they are, and what runs one
_RUNNERS = (
    (("tool", "poe", "tasks"), "poe"),
    (("tool", "pdm", "scripts"), "pdm run"),
    (("tool", "hatch", "envs", "default", "scripts"), "hatch run"),
    (("tool", "rye", "scripts"), "rye run"),
)


def pyproject(path: str, content: str) -> Manifest | None:
    """What pyproject.toml declares, by the standard or as Poetry wants it."""
    data = tomllib.loads(content)
    project = table(data.get("project"))
    if not project:
        return _poetry(path, table(table(data.get("tool")).get("poetry")), tuple(_scripts(path, data)))
    dependencies = requirements(project.get("dependencies"))
    for tables in (project.get("optional-dependencies"), data.get("dependency-groups")):
        for group, lines in table(tables).items():
            dependencies += requirements(lines, group)
    dependencies += requirements(table(_at(data, ("tool", "uv"))).get("dev-dependencies"), "dev")
    licensed = project.get("license")
    programs = (*_programs(path, project.get("scripts")), *_programs(path, project.get("gui-scripts")))
    return Manifest(
        path,
        "Python",
        name=text(project.get("name")),
        version=text(project.get("version")),
        description=text(project.get("description")),
        license=text(licensed) or text(table(licensed).get("text")),
        runtime=text(project.get("requires-python")),
        dependencies=tuple(dependencies),
        commands=tuple(_scripts(path, data)),
        entries=programs,
    )


def _at(data: dict[str, Any], keys: Iterable[str]) -> object:
    here: object = data
    for key in keys:
        here = table(here).get(key)
    return here


def _scripts(path: str, data: dict[str, Any]) -> Iterable[Command]:
    for keys, runner in _RUNNERS:
        for name, script in table(_at(data, keys)).items():
            said = text(table(script).get("help")) or text(table(script).get("cmd")) or text(script)
            if not name.startswith("_"):
                yield Command(f"{runner} {name}", said, path)


def _programs(path: str, scripts: object) -> tuple[Command, ...]:
    return tuple(Command(name, text(target), path) for name, target in table(scripts).items())


def _poetry(path: str, poetry: dict[str, Any], commands: tuple[Command, ...]) -> Manifest | None:
    if not poetry:
        return None
    declared = table(poetry.get("dependencies"))
    groups = {"": declared, "dev": table(poetry.get("dev-dependencies"))}
    for group, content in table(poetry.get("group")).items():
        groups[group] = {**groups.get(group, {}), **table(table(content).get("dependencies"))}
    dependencies = [
        Dependency(name, text(wanted) or text(table(wanted).get("version")), group)
        for group, content in groups.items()
        for name, wanted in content.items()
        if name != "python"
    ]
    return Manifest(
        path,
        "Python",
        name=text(poetry.get("name")),
        version=text(poetry.get("version")),
        description=text(poetry.get("description")),
        license=text(poetry.get("license")),
        runtime=text(declared.get("python")),
        dependencies=tuple(dependencies),
        commands=commands,
        entries=_programs(path, poetry.get("scripts")),
    )


def setup_cfg(path: str, content: str) -> Manifest | None:
    """What setup.cfg declares."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(content)
    if not parser.has_section("metadata"):
        return None
    metadata = parser["metadata"]
    options = parser["options"] if parser.has_section("options") else {}
    dependencies = requirements(options.get("install_requires", "").splitlines())
    if parser.has_section("options.extras_require"):
        for group, lines in parser["options.extras_require"].items():
            dependencies += requirements(lines.splitlines(), group)
    scripts = ""
    if parser.has_section("options.entry_points"):
        scripts = parser["options.entry_points"].get("console_scripts", "")
    return Manifest(
        path,
        "Python",
        name=metadata.get("name", ""),
        version=metadata.get("version", ""),
        description=metadata.get("description", ""),
        license=metadata.get("license", ""),
        runtime=options.get("python_requires", ""),
        dependencies=tuple(dependencies),
        entries=console_scripts(path, scripts.splitlines()),
    )


def console_scripts(path: str, lines: Iterable[str]) -> tuple[Command, ...]:
    """Programs of lines like `name = package.module:function`."""
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    return tuple(Command(name.strip(), target.strip(), path) for name, target in pairs)


def pipfile(path: str, content: str) -> Manifest:
    """What a Pipfile declares."""
    data = tomllib.loads(content)
    dependencies = [
        Dependency(name, text(wanted) or text(table(wanted).get("version")), group)
        for group, key in (("", "packages"), ("dev", "dev-packages"))
        for name, wanted in table(data.get(key)).items()
    ]
    commands = tuple(
        Command(f"pipenv run {name}", text(line), path) for name, line in table(data.get("scripts")).items()
    )
    runtime = text(table(data.get("requires")).get("python_version"))
    return Manifest(path, "Python", runtime=runtime, dependencies=tuple(dependencies), commands=commands)

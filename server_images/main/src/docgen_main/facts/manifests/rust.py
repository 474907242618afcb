"""Cargo.toml."""

import tomllib
from collections.abc import Iterator
from typing import Any

from docgen_main.facts.manifests.values import table, text
from docgen_main.facts.model import Command, Dependency, Manifest

_GROUPS = {"": "dependencies", "dev": "dev-dependencies", "build": "build-dependencies"}


def cargo(path: str, content: str) -> Manifest:
    """What Cargo.toml declares, of a package or of a workspace, dependencies of single targets included."""
    data = tomllib.loads(content)
    package = table(data.get("package"))
    workspace = table(data.get("workspace"))
    inherited = table(workspace.get("package"))

    def said(key: str) -> str:
        return text(package.get(key)) or text(inherited.get(key))

    found: dict[tuple[str, str], Dependency] = {}
    for scope in (data, *map(table, table(data.get("target")).values())):
        for dependency in _dependencies(scope):
            found.setdefault((dependency.name, dependency.group), dependency)
    for dependency in _dependencies(workspace):
        found.setdefault((dependency.name, "workspace"), Dependency(*_named(dependency), "workspace"))
    binaries = data.get("bin")
    names = [text(table(item).get("name")) for item in binaries] if isinstance(binaries, list) else []
    return Manifest(
        path,
        "Rust",
        name=text(package.get("name")),
        version=said("version"),
        description=said("description"),
        license=said("license"),
        runtime=said("rust-version"),
        dependencies=tuple(found.values()),
        entries=tuple(Command(name, "", path) for name in names if name),
    )


def _named(dependency: Dependency) -> tuple[str, str]:
    return dependency.name, dependency.constraint


def _dependencies(scope: dict[str, Any]) -> Iterator[Dependency]:
    """Dependencies by the name of their package, which may be used under another one."""
    for group, key in _GROUPS.items():
        for name, wanted in table(scope.get(key)).items():
            real = text(table(wanted).get("package")) or name
            yield Dependency(real, text(wanted) or text(table(wanted).get("version")), group)

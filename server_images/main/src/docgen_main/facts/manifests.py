"""What manifest files declare: one small reader per file name, none of which runs anything."""

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree import ElementTree

from docgen_main.facts.model import Command, Dependency, Manifest

MANIFEST_BYTES = 1 << 20

_Reader = Callable[[str, str], Manifest | None]
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*([^;#]*)")


def reader_for(name: str) -> _Reader | None:
    """The reader of manifests called `name`, or None when it is no manifest that is known."""
    if name.startswith("requirements") and name.endswith((".txt", ".in")):
        return _requirements
    return _READERS.get(name)


def read_manifest(path: str, text: str) -> Manifest | None:
    """What the manifest at `path` declares, or None when it is no manifest or cannot be parsed."""
    reader = reader_for(path.rsplit("/", 1)[-1])
    if reader is None:
        return None
    try:
        return reader(path, text)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, configparser.Error):
        return None  # half-written or foreign: other manifests still count


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _requirement(line: str, group: str) -> Dependency | None:
    match = _REQUIREMENT.match(line.strip())
    return Dependency(match[1], match[2].strip(), group) if match else None


def _requirement_list(lines: object, group: str) -> list[Dependency]:
    found = (
        [_requirement(line, group) for line in lines if isinstance(line, str)]
        if isinstance(lines, list)
        else []
    )
    return [dependency for dependency in found if dependency]


def _pyproject(path: str, text: str) -> Manifest | None:
    data = tomllib.loads(text)
    project = _table(data.get("project"))
    if not project:
        return _poetry(path, _table(_table(data.get("tool")).get("poetry")))
    dependencies = _requirement_list(project.get("dependencies"), "")
    for group, lines in _table(project.get("optional-dependencies")).items():
        dependencies += _requirement_list(lines, group)
    for group, lines in _table(data.get("dependency-groups")).items():
        dependencies += _requirement_list(lines, group)
    licensed = project.get("license")
    return Manifest(
        path,
        "Python",
        name=_text(project.get("name")),
        version=_text(project.get("version")),
        description=_text(project.get("description")),
        license=_text(licensed) or _text(_table(licensed).get("text")),
        runtime=_text(project.get("requires-python")),
        dependencies=tuple(dependencies),
        entries=_console_scripts(path, project.get("scripts")),
    )


def _console_scripts(path: str, scripts: object) -> tuple[Command, ...]:
    return tuple(Command(name, _text(target), path) for name, target in _table(scripts).items())


def _poetry(path: str, poetry: dict[str, Any]) -> Manifest | None:
    if not poetry:
        return None
    declared = _table(poetry.get("dependencies"))
    groups = {"": declared}
    for group, content in _table(poetry.get("group")).items():
        groups[group] = _table(_table(content).get("dependencies"))
    dependencies = [
        Dependency(name, _text(wanted) or _text(_table(wanted).get("version")), group)
        for group, content in groups.items()
        for name, wanted in content.items()
        if name != "python"
    ]
    return Manifest(
        path,
        "Python",
        name=_text(poetry.get("name")),
        version=_text(poetry.get("version")),
        description=_text(poetry.get("description")),
        license=_text(poetry.get("license")),
        runtime=_text(declared.get("python")),
        dependencies=tuple(dependencies),
        entries=_console_scripts(path, poetry.get("scripts")),
    )


def _requirements(path: str, text: str) -> Manifest | None:
    if "--hash=" in text:  # a lock: what it lists was derived, not chosen
        return Manifest(path, "Python")
    lines = (line.split(" #")[0].strip().rstrip("\\") for line in text.splitlines())
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0].removeprefix("requirements").strip("-_.")
    return Manifest(path, "Python", dependencies=tuple(_requirement_list(wanted, stem)))


def _setup_cfg(path: str, text: str) -> Manifest | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    if not parser.has_section("metadata"):
        return None
    options = parser["options"] if parser.has_section("options") else {}
    wanted = [line for line in options.get("install_requires", "").splitlines() if line.strip()]
    scripts = ""
    if parser.has_section("options.entry_points"):
        scripts = parser["options.entry_points"].get("console_scripts", "")
    pairs = [line.split("=", 1) for line in scripts.splitlines() if "=" in line]
    return Manifest(
        path,
        "Python",
        name=parser["metadata"].get("name", ""),
        version=parser["metadata"].get("version", ""),
        description=parser["metadata"].get("description", ""),
        license=parser["metadata"].get("license", ""),
        runtime=options.get("python_requires", ""),
        dependencies=tuple(_requirement_list(wanted, "")),
        entries=tuple(Command(name.strip(), target.strip(), path) for name, target in pairs),
    )


def _package_json(path: str, text: str) -> Manifest | None:
    data = _table(json.loads(text))
    groups = {
        "": "dependencies",
        "dev": "devDependencies",
        "peer": "peerDependencies",
        "optional": "optionalDependencies",
    }
    dependencies = [
        Dependency(name, _text(wanted), group)
        for group, key in groups.items()
        for name, wanted in _table(data.get(key)).items()
    ]
    name = _text(data.get("name"))
    binaries = data.get("bin")
    entries = {name.rsplit("/", 1)[-1]: binaries} if isinstance(binaries, str) else _table(binaries)
    return Manifest(
        path,
        "Node.js",
        name=name,
        version=_text(data.get("version")),
        description=_text(data.get("description")),
        license=_text(data.get("license")),
        runtime=_text(_table(data.get("engines")).get("node")),
        dependencies=tuple(dependencies),
        commands=tuple(
            Command(
                f"npm {script}" if script in ("test", "start") else f"npm run {script}", _text(line), path
            )
            for script, line in _table(data.get("scripts")).items()
        ),
        entries=tuple(Command(entry, _text(target), path) for entry, target in entries.items()),
    )


def _cargo(path: str, text: str) -> Manifest | None:
    data = tomllib.loads(text)
    package = _table(data.get("package"))
    groups = {"": "dependencies", "dev": "dev-dependencies", "build": "build-dependencies"}
    dependencies = [
        Dependency(name, _text(wanted) or _text(_table(wanted).get("version")), group)
        for group, key in groups.items()
        for name, wanted in _table(data.get(key)).items()
    ]
    binaries = data.get("bin")
    names = [_text(_table(item).get("name")) for item in binaries] if isinstance(binaries, list) else []
    return Manifest(
        path,
        "Rust",
        name=_text(package.get("name")),
        version=_text(package.get("version")),
        description=_text(package.get("description")),
        license=_text(package.get("license")),
        runtime=_text(package.get("rust-version")),
        dependencies=tuple(dependencies),
        entries=tuple(Command(name, "", path) for name in names if name),
    )


def _go_mod(path: str, text: str) -> Manifest | None:
    name, runtime, dependencies, inside = "", "", [], False
    for raw in text.splitlines():
        line, _, comment = raw.partition("//")
        words = line.split()
        if not words:
            continue
        if words[0] == "module" and len(words) == 2:
            name = words[1]
        elif words[0] == "go" and len(words) == 2:
            runtime = words[1]
        elif words[0] == "require" and words[1:] == ["("]:
            inside = True
        elif words[0] == ")":
            inside = False
        elif inside or words[0] == "require":
            pair = words if inside else words[1:]
            if len(pair) == 2:
                dependencies.append(Dependency(pair[0], pair[1], "indirect" if "indirect" in comment else ""))
    return Manifest(path, "Go", name=name, runtime=runtime, dependencies=tuple(dependencies))


def _pom(path: str, text: str) -> Manifest | None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entity bombs live there, and Maven needs neither
        return None
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except ElementTree.ParseError:
        return None
    space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""

    def said(node: ElementTree.Element, name: str) -> str:
        return (node.findtext(space + name) or "").strip()

    dependencies = [
        Dependency(
            f"{said(node, 'groupId')}:{said(node, 'artifactId')}", said(node, "version"), said(node, "scope")
        )
        for node in root.findall(f"{space}dependencies/{space}dependency")
    ]
    return Manifest(
        path,
        "Maven",
        name=said(root, "artifactId"),
        version=said(root, "version"),
        description=said(root, "description"),
        dependencies=tuple(dependencies),
    )


_GRADLE = re.compile(
    r"""^\s{0,16}(implementation|api|compileOnly|runtimeOnly|testImplementation)"""
    r"""[ (]{1,3}["']([^"']{3,200})["']"""
)


def _gradle(path: str, text: str) -> Manifest | None:
    return Manifest(path, "Gradle", dependencies=tuple(_gradle_dependencies(text.splitlines())))


def _gradle_dependencies(lines: Iterable[str]) -> Iterable[Dependency]:
    for line in lines:
        match = _GRADLE.match(line)
        if match and match[2].count(":") in (1, 2):
            group, name, *version = match[2].split(":")
            yield Dependency(
                f"{group}:{name}", "".join(version), "test" if match[1].startswith("test") else ""
            )


_READERS: dict[str, _Reader] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
    "pom.xml": _pom,
    "build.gradle": _gradle,
    "build.gradle.kts": _gradle,
}

"""Manifests of Maven and Gradle."""

import re
import tomllib
from collections.abc import Iterator
from xml.etree import ElementTree

from docgen_main.facts.manifests.values import table, text
from docgen_main.facts.model import Dependency, Manifest

_PROPERTY = re.compile(r"\$\{([\w.-]{1,100})\}")
_COMMENT = re.compile(r"^\s{0,80}//")
#: a configuration, perhaps `platform(`, and coordinates in quotes
_DEPENDENCY = re.compile(
    r"""^\s{0,80}(\w{0,60}(?:[iI]mplementation|[aA]pi|[cC]ompileOnly|[rR]untimeOnly|classpath|"""
    r"""[aA]nnotationProcessor|kapt|ksp|compile))[ (]{1,3}"""
    r"""(?:(?:enforcedP|p)latform[ (]{1,3})?["']([^"'\s]{3,200})["']"""
)
_ROOT_NAME = re.compile(r"""^rootProject\.name\s{0,4}=\s{0,4}["']([^"'\n]{1,100})["']""", re.MULTILINE)


def pom(path: str, content: str) -> Manifest | None:
    """What pom.xml declares, with its own properties filled in."""
    if "<!DOCTYPE" in content or "<!ENTITY" in content:  # entity bombs live there, and Maven needs neither
        return None
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without a DOCTYPE there are no entities
    except ElementTree.ParseError:
        return None
    return _Pom(path, root).manifest()


class _Pom:
    def __init__(self, path: str, root: ElementTree.Element) -> None:
        self._path = path
        self._root = root
        self._space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
        properties = root.find(f"{self._space}properties")
        self._properties = {
            node.tag.removeprefix(self._space): (node.text or "").strip()
            for node in (properties if properties is not None else ())
            if isinstance(node.tag, str)
        }
        for name in ("version", "groupId", "artifactId"):
            self._properties[f"project.{name}"] = self._plain(root, name) or self._plain(
                root, f"parent/{name}"
            )

    def _plain(self, node: ElementTree.Element, path: str) -> str:
        return (node.findtext("/".join(self._space + part for part in path.split("/"))) or "").strip()

    def _said(self, node: ElementTree.Element, path: str) -> str:
        return _PROPERTY.sub(
            lambda found: self._properties.get(found[1]) or found[0], self._plain(node, path)
        )

    def manifest(self) -> Manifest:
        """The manifest that the file declares."""
        space = self._space
        dependencies = [
            Dependency(
                f"{self._said(node, 'groupId')}:{self._said(node, 'artifactId')}",
                self._said(node, "version"),
                self._said(node, "scope").replace("compile", ""),
            )
            for node in self._root.findall(f"{space}dependencies/{space}dependency")
        ]
        wanted = (
            self._properties.get(f"maven.compiler.{key}", "") for key in ("release", "target", "source")
        )
        return Manifest(
            self._path,
            "Maven",
            name=self._said(self._root, "artifactId"),
            version=self._said(self._root, "version") or self._said(self._root, "parent/version"),
            description=" ".join(self._said(self._root, "description").split()),
            license=self._said(self._root, "licenses/license/name"),
            runtime=next((f"Java {version}" for version in wanted if version and "$" not in version), ""),
            dependencies=tuple(dependencies),
        )


def gradle(path: str, content: str) -> Manifest:
    """What a build.gradle or build.gradle.kts names by coordinates; nothing of it is run."""
    found: dict[tuple[str, str], Dependency] = {}
    for dependency in _gradle_dependencies(content):
        found.setdefault((dependency.name, dependency.group), dependency)
    return Manifest(path, "Gradle", dependencies=tuple(found.values()))


def _gradle_dependencies(content: str) -> Iterator[Dependency]:
    for line in content.splitlines():
        match = _DEPENDENCY.match(line[:600]) if not _COMMENT.match(line) else None
        if match and match[2].count(":") in (1, 2):
            owner, name, *version = match[2].split(":")
            yield Dependency(f"{owner}:{name}", "".join(version), _group(match[1]))


def _group(configuration: str) -> str:
    """What a configuration is for: "" for what running needs."""
    if "test" in configuration.lower():
        return "test"
    if configuration in ("classpath", "kapt", "ksp") or configuration.endswith("nnotationProcessor"):
        return "build"
    return "provided" if configuration.endswith("ompileOnly") else ""


def gradle_settings(path: str, content: str) -> Manifest:
    """The name that settings.gradle gives the project."""
    match = _ROOT_NAME.search(content)
    return Manifest(path, "Gradle", name=match[1] if match else "")


def version_catalog(path: str, content: str) -> Manifest:
    """The libraries of gradle/libs.versions.toml, which builds take by their alias."""
    data = tomllib.loads(content)
    versions = table(data.get("versions"))
    dependencies = []
    for library in table(data.get("libraries")).values():
        said = table(library)
        module = text(said.get("module")) or text(library)
        if not module and said.get("group"):
            module = f"{text(said.get('group'))}:{text(said.get('name'))}"
        version = said.get("version")
        named = text(version) or text(versions.get(text(table(version).get("ref"))))
        owner, _, rest = module.partition(":")
        name, _, own = rest.partition(":")
        if owner and name:
            dependencies.append(Dependency(f"{owner}:{name}", named or own, "catalog"))
    return Manifest(path, "Gradle", dependencies=tuple(dependencies))

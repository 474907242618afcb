"""What manifest files declare: one small reader per file name, none of which runs anything."""

import configparser
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from docgen_main.facts.manifests import go, java, node, python, requirements, rust, setup_py
from docgen_main.facts.model import Manifest

MANIFEST_BYTES = 1 << 20

_Reader = Callable[[str, str], Manifest | None]

_READERS: dict[str, _Reader] = {
    "pyproject.toml": python.pyproject,
    "setup.cfg": python.setup_cfg,
    "setup.py": setup_py.setup_py,
    "Pipfile": python.pipfile,
    "package.json": node.package_json,
    "Cargo.toml": rust.cargo,
    "go.mod": go.go_mod,
    "pom.xml": java.pom,
    "build.gradle": java.gradle,
    "build.gradle.kts": java.gradle,
    "settings.gradle": java.gradle_settings,
    "settings.gradle.kts": java.gradle_settings,
    "libs.versions.toml": java.version_catalog,
}


def reader_for(name: str) -> _Reader | None:
    """The reader of manifests called `name`, or None when it is no manifest that is known."""
    if name.startswith("requirements") and name.endswith((".txt", ".in")):
        return requirements.requirements_file
    return _READERS.get(name)


def is_member(directory: str, patterns: Iterable[str]) -> bool:
    """Whether one of a workspace's `patterns`, like `packages/*`, names `directory`."""
    parts = directory.split("/")
    for pattern in patterns:
        wanted = pattern.strip("./").split("/")
        simple = len(pattern) <= 200 and all(part.count("*") <= 2 for part in wanted)
        if directory and simple and len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted)):
            return True
    return False


def read_manifest(path: str, text: str) -> Manifest | None:
    """What the manifest at `path` declares, or None when it is no manifest or cannot be parsed."""
    reader = reader_for(path.rsplit("/", 1)[-1])
    if reader is None:
        return None
    try:
        return reader(path, text)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, SyntaxError, configparser.Error):
        return None  # half-written or foreign: other manifests still count

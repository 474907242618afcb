"""Documents of packages that other people wrote, against what was read in those packages by hand."""

from functools import cache
from pathlib import Path

import pytest
from docgen_main.documents import KINDS
from docgen_main.facts import Project
from docgen_main.workspace import Workspace

from tests.servers.main.documents import named
from tests.servers.main.documents.composed import Composed, compose
from tests.servers.main.documents.third_party import Package, fetch, package
from tests.servers.main.documents.truth import Truth

PACKAGES = ["nox", "ajv", "capacitor-android"]
KIND_NAMES = ["readme", "architecture", "api-reference", "getting-started"]
RECALL = 0.95


@cache
def made(stem: str) -> tuple[Package, Path, dict[str, str]]:
    """A package, where its sources are, and the documents made of them, by kind."""
    wanted = package(stem)
    root = fetch(wanted)
    workspace = Workspace(str(root), "docs/generated")
    try:
        project = Project(workspace)
        documents = {}
        for kind in KIND_NAMES:
            *_, done = compose(KINDS[kind], project)
            assert isinstance(done, Composed)
            documents[kind] = done.content.decode()
    finally:
        workspace.close()
    return wanted, root, documents


def recall(found: set[str] | set[tuple[str, str]], true: set[str] | set[tuple[str, str]]) -> float:
    return len(found & true) / len(true)


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("stem", PACKAGES)
def test_every_file_name_and_command_in_the_document_exists(stem: str, kind: str) -> None:
    _, root, documents = made(stem)
    assert Truth(root).problems(documents[kind]) == []


@pytest.mark.parametrize("stem", PACKAGES)
def test_the_api_reference_has_the_public_names_and_no_others(stem: str) -> None:
    wanted, _, documents = made(stem)
    found, true = named.api(documents["api-reference"]), wanted.symbols
    assert recall(found, true) >= RECALL, sorted(true - found)
    invented = {
        (path, name)
        for path, name in found - true
        if path in wanted.api and not _left_open(wanted.api[path], name)
    }
    assert invented == set()


def _left_open(module: dict[str, list[str]], name: str) -> bool:
    """Whether the truth leaves `name` open: a member of a class whose members were not written down."""
    owner, dot, _ = name.rpartition(".")
    members = module.get("members", {})
    return name in module.get("also", []) or (
        bool(dot) and name not in module["names"] and owner not in members
    )


@pytest.mark.parametrize("stem", PACKAGES)
def test_the_readme_has_the_dependencies_and_no_others(stem: str) -> None:
    wanted, root, documents = made(stem)
    spans = set(named.under(documents["readme"], "Dependencies", "Package"))
    groups = set(wanted.declared.get("groups", {}))
    paths = {span for span in spans if (root / span).is_file()}
    assert recall(spans, wanted.dependencies) >= RECALL, sorted(wanted.dependencies - spans)
    assert spans - wanted.dependencies - groups - paths == set()


@pytest.mark.parametrize("stem", PACKAGES)
def test_the_readme_has_the_commands_and_programs_and_no_others(stem: str) -> None:
    wanted, _, documents = made(stem)
    commands = set(named.under(documents["readme"], "Commands", "Command"))
    assert commands == set(wanted.declared["commands"])
    programs = set(named.under(documents["readme"], "Getting started", "Program"))
    assert set(wanted.declared["programs"]) <= programs | commands

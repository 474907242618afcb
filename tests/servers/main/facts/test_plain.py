import json
from pathlib import Path

import pytest
from docgen_main.facts import Project, plain
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files
from tests.servers.main.documents.repositories import go_repository, typescript_repository

KEYS = [
    *("name", "summary", "version", "license", "readme", "files", "languages", "manifests", "dependencies"),
    *("commands", "programs", "install", "test_command", "modules", "components", "imports", "tests"),
    "test_names",
    *("configuration", "environment", "routes", "history", "skipped", "complete"),
]


def facts_of(root: Path) -> plain.Plain:
    workspace = Workspace(str(root), "docs/generated")
    try:
        return plain.plain(Project(workspace))
    finally:
        workspace.close()


def test_plain_facts_are_json_and_come_back_as_they_were(tmp_path: Path) -> None:
    found = facts_of(typescript_repository(tmp_path))
    assert json.loads(json.dumps(found)) == found
    assert list(found) == KEYS
    assert found["history"]["tags"] == ["v1.1.0", "v1.0.0"]
    assert {"name": "TypeScript", "files": 4, "lines": found["languages"][0]["lines"]} == found["languages"][
        0
    ]


def test_a_project_of_nothing_has_every_key(tmp_path: Path) -> None:
    assert list(facts_of(tmp_path)) == KEYS


def test_symbols_carry_what_a_reference_needs(tmp_path: Path) -> None:
    found = facts_of(go_repository(tmp_path))
    module = next(module for module in found["modules"] if module["path"] == "store/store.go")
    opened = next(symbol for symbol in module["symbols"] if symbol["name"] == "Open")
    assert opened["signature"] == "func Open(dir string, limits Limits) (*Store, error)"
    assert opened["doc"] == "Open opens the store in directory dir."


def test_what_is_beyond_the_bounds_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "SYMBOLS_MOST", 20)
    write_files(tmp_path, {f"m{n}.py": "".join(f"def f{n}(): ...\n" for n in range(6)) for n in range(4)})
    found = facts_of(tmp_path)
    assert [len(module["symbols"]) for module in found["modules"]] == [6, 6, 6]
    assert found["complete"] is False


def test_the_page_on_facts_lists_every_key() -> None:
    page = (Path(__file__).parents[4] / "docs" / "facts.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert [key for row in rows for key in row.replace("`", "").replace(",", " ").split()] == KEYS

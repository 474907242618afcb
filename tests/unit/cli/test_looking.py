"""`describe`, `topology` and `open` on a stack that was never started, without an engine."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unit.cli.command import docgenctl


def test_a_stack_that_was_never_started_is_described(tmp_path: Path) -> None:
    page = docgenctl(tmp_path, "describe")
    assert page.returncode == 0, page.stderr
    assert page.stdout.splitlines()[0].endswith(": never started")
    assert "https://localhost:8080-8180/mcp" in page.stdout
    found = json.loads(docgenctl(tmp_path, "describe", "--json").stdout)
    assert found["engine"] is None
    assert "no-engine.sock" in found["engine_error"]
    assert (found["secrets"], found["certificates"]) == ([], [])


def test_endpoints_of_servers_and_named_ones_are_described(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "docgen.yaml").write_text(
        "ports: {bind: '::1', orchestrator: 9443}\n"
        "servers: {main: {}, notes: {image: main}, github: {enabled: false}}\n"
        "endpoints: {review: {tools: ['*']}, later: {servers: [github], tools: ['*']},"
        " aloud: {servers: [notes, github], prompts: ['*']}}\n"
    )
    page = docgenctl(tmp_path, "describe").stdout
    (section,) = [part.splitlines() for part in page.split("\n\n") if part.startswith("Endpoints\n")]
    url = "https://localhost:9443/mcp"
    assert [line.split(maxsplit=1) for line in section[1:]] == [
        [f"{url}/main", "main alone"],
        [f"{url}/notes", "notes alone"],
        [f"{url}/aloud", "part of notes"],
        [f"{url}/later", "nothing, since none of its servers is enabled"],
        [f"{url}/review", "part of main, notes"],
    ]
    found = json.loads(docgenctl(tmp_path, "describe", "--json").stdout)["endpoints"]
    review = {"path": "/mcp/review", "url": f"{url}/review", "named": True, "servers": ["main", "notes"]}
    assert found[-1] == review
    assert [(it["path"], it["named"]) for it in found[:3]] == [
        ("/mcp/main", False),
        ("/mcp/notes", False),
        ("/mcp/aloud", True),
    ]


def test_doors_at_an_ipv6_address_are_written_as_urls_write_it(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_text("ports: {bind: 'fd00::1'}\n")
    found = json.loads(docgenctl(tmp_path, "describe", "--json").stdout)
    assert {urlsplit(it["url"]).hostname for it in (*found["doors"], *found["endpoints"])} == {"fd00::1"}


def test_keys_made_for_clients_are_described_without_their_hashes(tmp_path: Path) -> None:
    docgenctl(tmp_path, "keys", "create", "ci", "--scope", "main:read", "--expires", "2099-01-31")
    docgenctl(tmp_path, "keys", "create", "gone")
    docgenctl(tmp_path, "keys", "revoke", "gone", "--yes")
    ends = "2099-02-01T00:00:00Z"
    (line,) = [one for one in docgenctl(tmp_path, "describe").stdout.splitlines() if one.startswith("  ci ")]
    assert line.split() == ["ci", "active", "until", ends, "main:read"]
    found = json.loads(docgenctl(tmp_path, "describe", "--json").stdout)
    assert found["keys"] == [{"name": "ci", "state": "active", "scopes": ["main:read"], "expires": ends}]


def test_describing_changes_nothing(tmp_path: Path) -> None:
    docgenctl(tmp_path, "describe")
    docgenctl(tmp_path, "topology")
    assert list((tmp_path / "workspace").iterdir()) == []
    written = {path.name for path in (tmp_path / "state").rglob("*") if path.is_file()}
    assert written <= {"glance.json"}  # what completion remembers


def test_the_topology_is_drawn_for_pipes_files_and_programs(tmp_path: Path) -> None:
    assert "┌" in docgenctl(tmp_path, "topology").stdout
    assert docgenctl(tmp_path, "topology", environ={"PYTHONIOENCODING": "ascii"}).stdout.isascii()
    assert max(map(len, docgenctl(tmp_path, "topology", environ={"COLUMNS": "20"}).stdout.splitlines())) <= 20
    ElementTree.fromstring(docgenctl(tmp_path, "topology", "--svg", "-").stdout)
    ElementTree.fromstring(docgenctl(tmp_path, "topology", "--format", "svg").stdout)
    assert docgenctl(tmp_path, "topology", "--format", "mermaid").stdout.startswith("flowchart TB\n")
    written = docgenctl(tmp_path, "topology", "--svg", "picture.svg")
    assert written.stdout == "picture.svg\n"
    ElementTree.parse(tmp_path / "workspace" / "picture.svg")
    assert json.loads(docgenctl(tmp_path, "topology", "--json").stdout)["rows"][0] == ["gateway"]


@pytest.mark.parametrize(
    ("argv", "code"), [(["topology", "--format", "png"], 2), (["topology", "--svg", "no/such/folder.svg"], 6)]
)
def test_what_cannot_be_drawn_is_told(argv: list[str], code: int, tmp_path: Path) -> None:
    ran = docgenctl(tmp_path, *argv)
    assert ran.returncode == code
    assert "Hint: " in ran.stderr


def test_open_finds_the_newest_document_and_named_ones(tmp_path: Path) -> None:
    none_yet = docgenctl(tmp_path, "open")
    assert (none_yet.returncode, none_yet.stdout) == (2, "")
    assert "docgenctl generate readme" in none_yet.stderr

    folder = tmp_path / "workspace" / "docs" / "generated"
    folder.mkdir(parents=True)
    for name in ("README.md", "CHANGELOG.md"):
        (folder / name).write_text("# It\n")
    os.utime(folder / "CHANGELOG.md", (1, 1))
    assert docgenctl(tmp_path, "open").stdout == f"{folder / 'README.md'}\n"
    assert docgenctl(tmp_path, "open", "changelog").stdout == f"{folder / 'CHANGELOG.md'}\n"
    (folder / "TEST-PLAN.md").write_text("# It\n")
    assert docgenctl(tmp_path, "open", "test-plan").stdout == f"{folder / 'TEST-PLAN.md'}\n"
    assert json.loads(docgenctl(tmp_path, "open", "README.md", "--json").stdout)["opened"] is False
    assert "did you mean CHANGELOG.md?" in docgenctl(tmp_path, "open", "CHANGES.md").stderr
    picture = docgenctl(tmp_path, "open", "topology").stdout.strip()
    ElementTree.parse(picture)


def test_open_does_not_leave_the_output_folder(tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "docs" / "generated"
    folder.mkdir(parents=True)
    (tmp_path / "secret.md").write_text("secret")
    (folder / "README.md").symlink_to(tmp_path / "secret.md")
    for name in ("readme", "../../../secret.md", "README.md"):
        assert docgenctl(tmp_path, "open", name).returncode == 2

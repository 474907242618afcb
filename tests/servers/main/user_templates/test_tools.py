"""The templates_* tools as a client uses them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from docgen_main.server import build_server
from docgen_main.user_templates import UserTemplates
from docgen_main.workspace import Workspace
from mcp import Client
from mcp_types import ResourceLink

from tests.servers.main.conftest import write_files

pytestmark = pytest.mark.anyio

LETTER = (
    "+++\ntitle = 'Letter'\n[variables.to]\nquestion = 'To whom?'\n+++\n# {{ title }}\n\nDear {{ to }},\n"
)
LOOKING = {"list", "show", "history", "diff", "export", "preview"}
ALL = LOOKING | {"create", "update", "delete", "rollback", "import", "render"}


@pytest.fixture
async def client(workspace: Workspace, templates: UserTemplates) -> AsyncIterator[Client]:
    async with Client(build_server(workspace, templates=templates)) as made:
        yield made


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(f"templates_{tool}", arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(f"templates_{tool}", arguments)
    assert result.is_error
    return str(result.content)


async def test_every_tool_is_described_typed_and_annotated(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools if "templates_" in tool.name}
    assert set(tools) == {f"templates_{name}" for name in ALL}
    for name, tool in tools.items():
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.open_world_hint is False
        assert tool.annotations.read_only_hint is (name.removeprefix("templates_") in LOOKING)
        for argument, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), (name, argument)
    destructive = {n for n, tool in tools.items() if tool.annotations and tool.annotations.destructive_hint}
    assert destructive == {"templates_delete", "templates_render"}


async def test_a_template_is_created_changed_compared_rolled_back_and_deleted(client: Client) -> None:
    created = await done(client, "create", name="letter", source=LETTER, note="first")
    assert (created["version"], created["variables"][0]["question"]) == (1, "To whom?")
    assert "does not exist" not in await refused(client, "create", name="letter", source=LETTER)
    changed = LETTER.replace("Dear", "Hello")
    await done(client, "update", name="letter", source=changed, expected_version=1)
    assert "is at version 2" in await refused(
        client, "update", name="letter", source=changed, expected_version=1
    )
    difference = await done(client, "diff", name="letter")
    assert "-Dear {{ to }},\n+Hello {{ to }}," in difference["diff"]
    assert (difference["from_version"], difference["to_version"]) == (1, 2)
    assert (await done(client, "rollback", name="letter", version=1))["version"] == 3
    assert (await done(client, "show", name="letter"))["source"] == LETTER
    assert (await done(client, "show", name="letter", version=2))["source"] == changed
    history = (await done(client, "history", name="letter"))["versions"]
    assert [(entry["version"], entry["note"]) for entry in history] == [
        (3, "rolled back to version 1"),
        (2, ""),
        (1, "first"),
    ]
    assert [entry["name"] for entry in (await done(client, "list"))["templates"]] == ["letter"]
    assert "is at version 3" in await refused(client, "delete", name="letter", expected_version=2)
    assert (await done(client, "delete", name="letter", expected_version=3))["version"] == 3
    assert (await done(client, "list"))["templates"] == []


async def test_a_preview_fills_in_samples_and_writes_nothing(client: Client, root: Path) -> None:
    before = sorted(root.rglob("*"))
    got = await done(client, "preview", source=LETTER)
    assert (got["markdown"], got["sampled"]) == ("# Letter\n\nDear «to»,\n", ["to"])
    got = await done(client, "preview", source=LETTER, variables={"to": "Ada"})
    assert (got["markdown"], got["sampled"]) == ("# Letter\n\nDear Ada,\n", [])
    assert "line 1" in await refused(client, "preview", source="{{ nobody }}")
    assert "either" in await refused(client, "preview")
    assert (await done(client, "list"))["templates"] == []
    assert sorted(root.rglob("*")) == before


async def test_rendering_writes_below_the_output_folder_and_links_to_it(client: Client, root: Path) -> None:
    await done(client, "create", name="letter", source=LETTER)
    assert (await done(client, "render", name="letter", variables={"to": "Ada"}))["markdown"] == (
        "# Letter\n\nDear Ada,\n"
    )
    result = await client.call_tool(
        "templates_render",
        {"name": "letter", "variables": {"to": "Ada"}, "title": "Hi", "path": "letters/ada.md"},
    )
    assert not result.is_error
    (link,) = [part for part in result.content if isinstance(part, ResourceLink)]
    assert link.uri == "docs://generated/letters/ada.md"
    assert (root / "docs/generated/letters/ada.md").read_text() == "# Hi\n\nDear Ada,\n"
    for path in ("../x.md", "/etc/x.md", "a.txt", "docs/generated", "", ".env", "a\0.md"):
        assert await refused(client, "render", name="letter", variables={"to": "A"}, path=path)
    said = await refused(client, "render", name="letter", variables={"to": "A"}, path="letters/ada.md",
                         expected_sha256="absent")  # fmt: skip
    assert "not what was expected" in said
    assert "to (To whom?)" in await refused(client, "render", name="letter")


async def test_facts_of_the_workspace_are_there_as_project(client: Client, root: Path) -> None:
    write_files(root, {"pyproject.toml": '[project]\nname = "demo"\nversion = "1.2"\n', "demo.py": "x = 1\n"})
    source = (
        "{{ project.name }} {{ project.version }}\n"
        "{% for f in project.files %}\n- {{ f | code }}\n{% endfor %}"
    )
    got = await done(client, "preview", source=source)
    assert got["markdown"] == "demo 1.2\n- `demo.py`\n- `pyproject.toml`\n- `src/a.txt`\n"


async def test_an_exported_template_is_imported_under_its_own_or_another_name(client: Client) -> None:
    await done(client, "create", name="letter", source=LETTER)
    bundle = (await done(client, "export", name="letter"))["bundle"]
    assert "is at version 1" in await refused(client, "import", bundle=bundle)
    got = await done(client, "import", bundle=bundle, name="note")
    assert (got["name"], got["version"], got["exported_name"], got["changed"]) == ("note", 1, "letter", False)
    assert (await done(client, "show", name="note"))["source"] == LETTER
    got = await done(client, "import", bundle=bundle.replace("Dear", "Hi"), expected_version=1)
    assert (got["name"], got["version"], got["changed"]) == ("letter", 2, True)
    assert "line" in await refused(client, "import", bundle=bundle.replace("{{ to }}", "{{ x }}"), name="no")
    assert "cannot be the name" in await refused(client, "import", bundle=bundle, name="../x")


async def test_the_example_of_the_documentation_makes_a_document_of_its_kind(
    client: Client, root: Path
) -> None:
    guide = (Path(__file__).parents[4] / "docs" / "templates.md").read_text()
    source = guide.split("```text\n")[1].split("```")[0]
    write_files(
        root, {"pyproject.toml": '[project]\nname = "demo"\nversion = "1"\ndependencies = ["anyio>=4"]\n'}
    )
    await done(client, "create", name="slo", source=source)
    result = await client.call_tool("docs_generate", {"kind": "slo", "answers": {"owner": "Team *A*"}})
    assert not result.is_error, result.content
    text = (root / "docs/generated/SLO.md").read_text()
    for line in ("# Service level objectives", "`demo` belongs to Team \\*A\\*.", "- `anyio` \\>=4"):
        assert line in text.splitlines()
    kinds = (await client.call_tool("docs_kinds", {})).structured_content or {}
    assert "slo" in {kind["kind"] for kind in kinds["kinds"]}

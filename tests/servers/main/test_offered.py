"""What clients are offered beside plain calls: kinds of users, completion, HTML pages, records, events."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from docgen_main.documents import KINDS, Brief, Generator, MadeSection, Order, Records
from docgen_main.events import Hub
from docgen_main.facts import Budget, Project
from docgen_main.server import build_server
from docgen_main.user_templates import Store, UserTemplates
from docgen_main.workspace import Workspace
from mcp import Client
from mcp_types import PromptReference, ResourceTemplateReference

from tests.servers.main.conftest import write_files
from tests.servers.main.slow_writer import Slow

pytestmark = pytest.mark.anyio

Reference = PromptReference | ResourceTemplateReference

MEMO = """+++
kind = "memo"
title = "Memo"
description = "A note to the team"
file_name = "MEMO.md"

[variables.to]
question = "Who reads it?"
+++
# {{ title }}

## To

{{ to }}

## About

{{ project.name }}
"""


@pytest.fixture
def templates(tmp_path: Path) -> Iterator[UserTemplates]:
    made = UserTemplates(Store(str(tmp_path / "templates")), built_in=frozenset(KINDS))
    made.write("memo", MEMO)
    yield made
    made.close()


async def test_a_kind_of_a_user_is_offered_asked_made_and_recorded_like_any_other(
    workspace: Workspace, root: Path, templates: UserTemplates
) -> None:
    write_files(root, {"go.mod": "module example.org/pier\n\ngo 1.22\n"})
    async with Client(build_server(workspace, templates=templates)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["docs_generate"].input_schema["properties"]["kind"]["enum"] == [*KINDS, "memo"]
        refused = await client.call_tool("docs_generate", {"kind": "memo"})
        assert "to (Who reads it?)" in str(refused.content)
        made = await client.call_tool("docs_generate", {"kind": "memo", "answers": {"to": "<b>Ada</b>"}})
        assert not made.is_error, made.content
        shown = (await client.call_tool("docs_show", {"path": "MEMO.md"})).structured_content
        prompt = await client.get_prompt("docs_document", {"kind": "memo"})
    assert shown is not None
    assert (shown["kind"], shown["template"], shown["template_version"]) == ("memo", "memo", 1)
    assert [section["id"] for section in shown["sections"]] == ["opening", "to", "about"]
    document = (root / "docs/generated/MEMO.md").read_text()
    assert "pier" in document
    assert "<b>" not in document
    assert "Who reads it?" in str(prompt.messages[0].content)


async def test_any_kind_can_be_made_of_a_stored_template(
    workspace: Workspace, root: Path, templates: UserTemplates
) -> None:
    async with Client(build_server(workspace, templates=templates)) as client:
        made = await client.call_tool(
            "docs_generate",
            {"kind": "readme", "template": "memo", "answers": {"to": "Ada"}, "title": "Hello"},
        )
        missing = await client.call_tool("docs_generate", {"kind": "readme", "template": "none"})
        unknown = await client.call_tool("docs_generate", {"kind": "poem"})
    assert not made.is_error, made.content
    assert "# Hello" in (root / "docs/generated/README.md").read_text()
    assert missing.is_error
    assert "none" in str(missing.content)
    assert "choose one of: readme, architecture" in str(unknown.content)
    assert "memo" in str(unknown.content)


async def test_kinds_templates_and_paths_are_completed(
    workspace: Workspace, root: Path, templates: UserTemplates
) -> None:
    write_files(root, {"docs/generated/README.md": "x", "docs/generated/deep/RUNBOOK.md": "y"})
    async with Client(build_server(workspace, templates=templates)) as client:

        async def completed(
            ref: PromptReference | ResourceTemplateReference, name: str, value: str
        ) -> list[str]:
            return (await client.complete(ref, {"name": name, "value": value})).completion.values

        prompt = PromptReference(name="docs_document")
        assert await completed(prompt, "kind", "re") == ["readme", "release-notes", "requirements"]
        assert await completed(prompt, "kind", "m") == ["memo"]
        assert await completed(prompt, "template", "") == ["memo"]
        assert await completed(prompt, "audience", "") == []
        for scheme in ("generated", "records"):
            paths = ResourceTemplateReference(uri=f"docs://{scheme}/{{+path}}")
            assert await completed(paths, "path", "") == ["README.md", "deep/RUNBOOK.md"]
            assert await completed(paths, "path", "deep/") == ["deep/RUNBOOK.md"]
        assert await completed(ResourceTemplateReference(uri="docs://other/{x}"), "x", "") == []


async def test_a_document_is_made_as_html_or_exported_to_it_without_marks(
    workspace: Workspace, root: Path
) -> None:
    write_files(root, {"go.mod": "module example.org/pier\n\ngo 1.22\n"})
    async with Client(build_server(workspace)) as client:
        made = await client.call_tool("docs_generate", {"kind": "readme", "format": "html"})
        assert not made.is_error, made.content
        refused = await client.call_tool(
            "docs_generate", {"kind": "readme", "format": "html", "path": "x.md"}
        )
        assert ".html" in str(refused.content)
        await client.call_tool("docs_generate", {"kind": "readme"})
        page = await client.call_tool("docs_export", {"path": "README.md", "to": "page.html"})
        plain = await client.call_tool("docs_export", {"path": "README.md", "format": "markdown"})
        same = await client.call_tool(
            "docs_export", {"path": "README.md", "format": "markdown", "to": "README.md"}
        )
        listed = (await client.call_tool("docs_list", {})).structured_content
        resources = {r.name: r.mime_type for r in (await client.list_resources()).resources}
    output = root / "docs/generated"
    assert not page.is_error, page.content
    assert not plain.is_error, plain.content
    assert same.is_error
    for name in ("README.html", "page.html"):
        text = (output / name).read_text()
        assert text.startswith("<!doctype html>")
        assert "docgen:begin" not in text
        assert "<h1" in text
    assert "docgen:" in (output / "README.md").read_text()
    assert (output / "README.plain.md").read_text().startswith("# pier\n")
    assert "docgen:" not in (output / "README.plain.md").read_text()
    assert resources["README.html"] == "text/html"
    assert listed is not None
    states = {entry["path"].rpartition("/")[2]: entry["state"] for entry in listed["documents"]}
    assert states == {
        "README.html": "generated",
        "README.md": "generated",
        "README.plain.md": "foreign",
        "page.html": "foreign",
    }


async def test_documents_are_listed_by_page_and_shown_with_what_became_of_them(
    workspace: Workspace, root: Path
) -> None:
    write_files(root, {"Makefile": "run: ## Run\n", "docs/generated/mine.md": "# Mine\n"})
    async with Client(build_server(workspace)) as client:
        for number in range(3):
            await client.call_tool("docs_generate", {"kind": "readme", "path": f"{number}.md"})
        names, cursor = [], None
        while True:
            listed = (await client.call_tool("docs_list", {"limit": 2, "cursor": cursor})).structured_content
            assert listed is not None
            names += [entry["path"].rpartition("/")[2] for entry in listed["documents"]]
            cursor = listed["next_cursor"]
            if cursor is None:
                break
        assert names == ["0.md", "1.md", "2.md", "mine.md"]
        document = root / "docs/generated/1.md"
        document.write_text(document.read_text().replace("## Commands", "## What to type"))
        (root / "Makefile").write_text("run: ## Run it\n")
        shown = (await client.call_tool("docs_show", {"path": "1.md"})).structured_content
        foreign = await client.call_tool("docs_show", {"path": "mine.md"})
        assert shown is not None
        record = (await client.read_resource(shown["record_uri"])).contents[0]
    assert shown["state"] == "edited"
    assert {s["id"]: s["state"] for s in shown["sections"]}["commands"] == "edited"
    assert "Makefile" in shown["changed_sources"]
    assert "no record" in str(foreign.content)
    recorded = json.loads(getattr(record, "text", ""))
    assert recorded["sections"][0]["sources"][0]["sha256"]
    assert str(root) not in json.dumps(recorded)


async def test_pages_of_the_list_leave_out_nothing_and_one_unreadable_document_takes_it_from_nobody(
    workspace: Workspace, root: Path
) -> None:
    write_files(root, {f"docs/generated/{name}": "# x\n" for name in ("a/b.md", "a.md", "a-c.md", "z.md")})
    async with Client(build_server(workspace)) as client:
        await client.call_tool("docs_generate", {"kind": "readme", "path": "made.md"})
        with (root / "docs/generated/made.md").open("ab") as file:
            file.truncate(workspace.limits.file_bytes + 1)
        states, cursor = {}, None
        while True:
            page = (await client.call_tool("docs_list", {"limit": 1, "cursor": cursor})).structured_content
            assert page is not None
            states |= {
                entry["path"].removeprefix("docs/generated/"): entry["state"] for entry in page["documents"]
            }
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert states.pop("made.md") == "edited"
    assert states == dict.fromkeys(("a/b.md", "a-c.md", "a.md", "z.md"), "foreign")


async def test_cancelling_stops_a_writer_within_a_second_and_everybody_hears_of_it(
    workspace: Workspace, root: Path
) -> None:
    hub, begun = Hub(), 0.0
    with hub.subscribe() as events:
        async with Client(build_server(workspace, hub=hub, writers=Slow())) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "docs_generate", {"kind": "readme"})
                with anyio.fail_after(5):
                    async for event in events:
                        if event.type == "document.started":
                            break
                begun = time.monotonic()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(5):
                async for event in events:
                    if event.type == "document.failed":
                        break
            assert time.monotonic() - begun < 1
    assert event.data["reason"] == "cancelled"
    assert event.data["path"] == "docs/generated/README.md"
    assert list((root / "docs/generated").iterdir()) == []


async def test_a_document_that_is_written_has_its_record_though_its_caller_left_just_then(
    workspace: Workspace,
) -> None:
    records, caller, loop = Records(), anyio.CancelScope(), asyncio.get_running_loop()
    workspace.told = lambda _: loop.call_soon_threadsafe(caller.cancel) and None

    async def hear(_: MadeSection) -> None:
        return

    with caller:
        order = Order(KINDS["readme"], workspace.generated("README.md"), Brief())
        await Generator(workspace, Hub(), records=records).generate(order, hear)
    assert caller.cancel_called
    assert records.find("docs/generated/README.md") is not None


async def test_whoever_listens_hears_each_section_and_why_a_document_failed(
    workspace: Workspace, root: Path
) -> None:
    write_files(root, {"Makefile": "run: ## Run\n"})
    hub = Hub()
    async with Client(build_server(workspace, hub=hub)) as client:
        made = await client.call_tool("docs_generate", {"kind": "readme"})
        refused = await client.call_tool("docs_generate", {"kind": "readme", "model": "x/y"})
        last = hub.last_id
    assert made.structured_content is not None
    assert "no model" in str(refused.content)
    told = []
    with hub.subscribe(after=0) as events, anyio.fail_after(5):
        async for event in events:
            told.append(event)
            if event.id == last:
                break
    sections = [event.data for event in told if event.type == "document.section"]
    assert [section["title"] for section in sections] == made.structured_content["sections"]
    assert [section["index"] for section in sections] == list(range(len(sections)))
    (finished,) = [event.data for event in told if event.type == "document.finished"]
    assert finished["sha256"] == made.structured_content["sha256"]
    (failed,) = [event.data for event in told if event.type == "document.failed"]
    assert "no model 'x/y'" in failed["reason"]


@pytest.mark.parametrize("kind", ["readme", "architecture", "api-reference", "changelog", "getting-started"])
async def test_the_first_section_comes_within_100_ms_of_the_facts(
    workspace: Workspace, root: Path, kind: str
) -> None:
    write_files(root, {f"p{n}/m{m}.py": "def f(): ...\n" * 20 for n in range(10) for m in range(10)})
    known = Project(workspace, Budget())
    _ = (known.known_names, known.edges, known.history)
    arrived: list[float] = []

    async def heard(section: MadeSection) -> None:
        arrived.append(time.monotonic())

    order = Order(KINDS[kind], workspace.generated(KINDS[kind].file_name), Brief())
    generator = Generator(workspace, Hub(), records=Records(), open_project=lambda _: known)
    took = []
    for _ in range(5):  # the quickest counts: on a busy machine any one of them may have to wait
        arrived.clear()
        begun = time.monotonic()
        await generator.generate(order, heard)
        took.append(arrived[0] - begun)
        if took[-1] < 0.1:
            break
    assert min(took) < 0.1

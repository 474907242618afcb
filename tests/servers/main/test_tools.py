import base64
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from docgen_main.documents.marks import without_marks
from docgen_main.facts import Budget
from docgen_main.facts.budget import StoppedError
from docgen_main.server import build_server
from docgen_main.workspace import Workspace
from mcp import Client
from mcp_types import ResourceLink

from tests.servers.main.conftest import MakeWorkspace, write_files

pytestmark = pytest.mark.anyio


async def call(workspace: Workspace, tool: str, **arguments: Any) -> dict[str, Any]:
    async with Client(build_server(workspace)) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(workspace: Workspace, tool: str, **arguments: Any) -> str:
    async with Client(build_server(workspace)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content)


async def test_every_tool_is_described_and_typed(workspace: Workspace) -> None:
    async with Client(build_server(workspace)) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        assert [icon.mime_type for icon in tool.icons or ()] == ["image/svg+xml"], tool.name
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.open_world_hint is False
        for argument in tool.input_schema["properties"].values():
            assert argument.get("description") or "enum" in argument, (tool.name, argument)


async def test_tools_that_change_files_say_so_and_those_that_look_say_that(workspace: Workspace) -> None:
    async with Client(build_server(workspace)) as client:
        tools = (await client.list_tools()).tools
    hints = {
        tool.name: (tool.annotations.read_only_hint, tool.annotations.destructive_hint)
        for tool in tools
        if tool.annotations and tool.name.startswith("files_")
    }
    assert hints == {
        **dict.fromkeys(("files_list", "files_stat", "files_read", "files_search"), (True, None)),
        **dict.fromkeys(("files_write", "files_edit", "files_move", "files_delete"), (False, True)),
    }


async def test_a_listing_is_paged_by_cursor_and_complete(workspace: Workspace, root: Path) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(25):
        (many / f"{number:02}.txt").write_text("x")
    names: list[str] = []
    cursor = None
    while True:
        page = await call(workspace, "files_list", path="many", limit=10, cursor=cursor)
        json.dumps(page)
        names += [entry["name"] for entry in page["entries"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"{number:02}.txt" for number in range(25)]


async def test_odd_names_are_listed_escaped_and_as_valid_json(workspace: Workspace, root: Path) -> None:
    for name in (b"\xff\xfe", b"a\nb", "x\u202ey".encode(), b"-rf"):
        (root / "src" / os.fsdecode(name)).touch()
    page = await call(workspace, "files_list", path="src")
    json.dumps(page).encode("utf-8")
    paths = {entry["name"]: entry["path"] for entry in page["entries"]}
    assert paths == {
        "\\xff\\xfe": None,
        "a\\x0ab": None,
        "x\\u202ey": None,
        "-rf": "src/-rf",
        "a.txt": "src/a.txt",
    }


async def test_a_cursor_that_was_never_given_is_refused(workspace: Workspace) -> None:
    assert "cursor" in await refused(workspace, "files_list", cursor="%%%")


async def test_text_is_read_in_pieces_that_join_to_the_file(workspace: Workspace, root: Path) -> None:
    text = "größer → ∞\n" * 50
    (root / "src" / "u.txt").write_text(text)
    joined, offset = "", 0
    while True:
        piece = await call(workspace, "files_read", path="src/u.txt", offset=offset, limit=37)
        assert piece["encoding"] == "utf-8"
        joined += piece["content"]
        if piece["next_offset"] is None:
            break
        offset = piece["next_offset"]
    assert joined == text


async def test_a_whole_file_comes_with_its_hash_and_bytes_as_base64(workspace: Workspace, root: Path) -> None:
    raw = bytes(range(256))
    (root / "src" / "b").write_bytes(raw)
    piece = await call(workspace, "files_read", path="src/b")
    assert piece["encoding"] == "base64"
    assert base64.b64decode(piece["content"]) == raw
    assert piece["sha256"] == hashlib.sha256(raw).hexdigest()
    assert (await call(workspace, "files_read", path="src/b", offset=300))["content"] == ""


async def test_a_file_is_written_and_changed_only_when_it_is_as_expected(
    workspace: Workspace, root: Path
) -> None:
    first = await call(
        workspace, "files_write", path="docs/generated/n.md", content="é", expected_sha256="absent"
    )
    assert (root / "docs/generated/n.md").read_text() == "é"
    said = await refused(
        workspace, "files_write", path="docs/generated/n.md", content="x", expected_sha256="0" * 64
    )
    assert first["sha256"] in said
    await call(
        workspace, "files_write", path="docs/generated/n.md", content="AAE=", encoding="base64",
        expected_sha256=first["sha256"],
    )  # fmt: skip
    assert (root / "docs/generated/n.md").read_bytes() == b"\0\1"
    assert "base64" in await refused(
        workspace, "files_write", path="docs/generated/n.md", content="é", encoding="base64"
    )


async def test_a_document_is_written_linked_listed_and_readable(workspace: Workspace, root: Path) -> None:
    write_files(root, {"go.mod": "module example.org/x\n\ngo 1.22\n"})
    heard: list[tuple[float, float | None, dict[str, Any]]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, total, json.loads(message or "")))

    async with Client(build_server(workspace)) as client:
        result = await client.call_tool("docs_generate", {"kind": "readme"}, progress_callback=progress)
        made = result.structured_content
        listed = [str(resource.uri) for resource in (await client.list_resources()).resources]
        assert made is not None
        read = (await client.read_resource(made["uri"])).contents[0]
    content = (root / "docs/generated/README.md").read_bytes()
    assert made["path"] == "docs/generated/README.md"
    assert made["uri"] == "docs://generated/README.md"
    assert (made["bytes"], made["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert [message["section"] for _, _, message in heard] == made["sections"]
    assert [done for done, _, _ in heard] == list(range(1, len(heard) + 1))
    assert "\n".join(message["markdown"] for _, _, message in heard) == without_marks(content.decode())
    link = result.content[1]
    assert isinstance(link, ResourceLink)
    assert (str(link.uri), link.mime_type, link.size) == (made["uri"], "text/markdown", len(content))
    assert listed == [made["uri"]]
    assert getattr(read, "text", "").encode() == content
    assert len(str(result.content)) < 1_500, "the document itself must not be in the result"


async def test_a_document_goes_where_the_path_says_below_the_output_folder(
    workspace: Workspace, root: Path
) -> None:
    made = await call(workspace, "docs_generate", kind="readme", path="guides/über uns.md", title="Über uns")
    assert made["path"] == "docs/generated/guides/über uns.md"
    assert made["uri"] == "docs://generated/guides/%C3%BCber%20uns.md"
    async with Client(build_server(workspace)) as client:
        assert "Über uns" in str((await client.read_resource(made["uri"])).contents[0])
    same = await call(workspace, "docs_generate", kind="readme", path="docs/generated/a.md")
    assert same["path"] == "docs/generated/a.md"
    assert (root / "docs" / "generated" / "a.md").exists()


async def test_a_document_is_never_written_outside_the_output_folder(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    (root / "README.md").write_text("mine")
    made = await call(make_workspace(writable=True), "docs_generate", kind="readme", path="README.md")
    assert made["path"] == "docs/generated/README.md"
    assert (root / "README.md").read_text() == "mine"
    assert ".md" in await refused(make_workspace(), "docs_generate", kind="readme", path="script.sh")


async def test_what_is_not_covered_is_reported(workspace: Workspace, root: Path) -> None:
    write_files(root, {"src/broken.py": "def (:\n", "src/good.py": "def f(): ...\n"})
    (root / "src" / "link.py").symlink_to("good.py")
    made = await call(workspace, "docs_generate", kind="api-reference")
    assert {"path": "src/broken.py", "reason": "cannot be parsed"} in made["skipped"]
    assert {"path": "src/link.py", "reason": "a symbolic link"} in made["skipped"]


async def test_a_section_too_long_for_a_message_is_cut_there_but_not_in_the_document(
    workspace: Workspace, root: Path
) -> None:
    write_files(root, {f"pkg/m{n}.py": '"""' + "word " * 20_000 + '"""\ndef f(): ...\n' for n in range(40)})
    heard: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with Client(build_server(workspace)) as client:
        await client.call_tool("docs_generate", {"kind": "api-reference"}, progress_callback=progress)
    assert max(len(message.encode()) for message in heard) < 256 << 10
    assert any(json.loads(message).get("truncated") for message in heard)
    assert (root / "docs/generated/API-REFERENCE.md").stat().st_size > 500_000


async def test_cancelling_stops_the_work_at_its_next_unit_and_writes_nothing(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, {f"p{n}/m.py": "def f(): ...\n" for n in range(5)})
    at_work, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    units: list[Budget] = []

    class Watched(Budget):
        def check(self) -> None:
            units.append(self)
            at_work.set()
            go_on.wait(60)
            try:
                super().check()
            except StoppedError:
                ended.set()
                raise

    monkeypatch.setattr("docgen_main.documents.generator.Budget", Watched)
    async with Client(build_server(workspace)) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "docs_generate", {"kind": "api-reference"})
            assert await anyio.to_thread.run_sync(at_work.wait, 30)
            tasks.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(units[0]._stopped.wait, 30)
        go_on.set()
        assert await anyio.to_thread.run_sync(ended.wait, 30)
    assert len(units) == 1, "the thread went on"
    assert not (root / "docs/generated/API-REFERENCE.md").exists()


async def test_each_kind_has_a_prompt_that_names_its_document(workspace: Workspace) -> None:
    async with Client(build_server(workspace)) as client:
        kinds = await client.call_tool("docs_kinds", {})
        assert kinds.structured_content is not None
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        made = [f"docs_{kind['kind']}" for kind in kinds.structured_content["kinds"]]
        assert names == [*made, "docs_document"]
        for kind in kinds.structured_content["kinds"]:
            prompt = await client.get_prompt(f"docs_{kind['kind']}", {"audience": "operators"})
            said = str(prompt.messages[0].content)
            assert kind["file_name"] in said
            assert "operators" in said

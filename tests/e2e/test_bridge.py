"""Clients of a real stack: the official ones through gateway and bridge, and the bridge over its life."""

import asyncio
import contextlib
import dataclasses
import functools
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import ElicitRequestParams, ElicitResult, ResourceListChangedNotification

from tests.e2e.stack import Door, Stack, wait_until
from tests.servers.orchestrator.conftest import write_modules
from tests.servers.wire import message
from tests.task_clients import CLIENTS as TASK_CLIENTS
from tests.task_clients import Begun, Tasks, by_python, by_typescript, get
from tests.typescript_clients import CLIENTS, session
from tests.unit.endpoint.bridge.conftest import REPOSITORY, Pipe

pytestmark = pytest.mark.engine

VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
both_eras = pytest.mark.parametrize("mode", VERSIONS)
both_ways = pytest.mark.parametrize("way", ["gateway", "bridge"])


def bare(stack: Stack) -> dict[str, str]:
    """What a client gives that knows nothing."""
    return {
        "DOCGENCTL_STATE_DIR": str(stack.state_dir),
        "PYTHONPATH": str(REPOSITORY),
        "PATH": "/usr/bin:/bin",
    }


def command(stack: Stack) -> list[str]:
    return [sys.executable, "-m", "docgenctl", "mcp", "--project-dir", str(stack.directory)]


@contextlib.contextmanager
def piped(stack: Stack) -> Iterator[Pipe]:
    pipe = Pipe(command(stack), bare(stack))
    try:
        yield pipe
        assert pipe.end() == 0, pipe.log
    finally:
        if pipe.process.poll() is None:
            pipe.process.kill()
            pipe.end()


@contextlib.asynccontextmanager
async def client_of(stack: Stack, way: str, mode: str, **more: Any) -> AsyncIterator[Client]:
    if way == "gateway":
        async with Door.of(stack.endpoint()).client(mode, **more) as client:
            yield client
    else:
        program, *args = command(stack)
        parameters = StdioServerParameters(command=program, args=args, env=bare(stack), cwd="/")
        async with Client(parameters, mode=mode, **more) as client:
            yield client


async def tasks_of(stack: Stack, way: str, name: str, **told: Any) -> dict[str, Any]:
    """One session with tasks of an official client: what it saw."""
    if name == "python":
        return await by_python(functools.partial(client_of, stack, way), "auto", **told)
    door = Door.of(stack.endpoint())
    program, *args = command(stack)
    places: dict[str, Any] = {
        "gateway": {"url": door.url},
        "bridge": {"stdio": {"command": program, "args": args, "env": bare(stack), "cwd": "/"}},
    }
    environ = {"NODE_EXTRA_CA_CERTS": str(door.ca_file), "MCP_TEST_KEY": door.key}
    return await asyncio.to_thread(by_typescript, environ, "auto", **places[way], **told)


def stopped(stack: Stack) -> int:
    """How many documents main gave up because their callers did."""
    return sum('"document stopped"' in line["text"] for line in stack.logs("main"))


@both_eras
@pytest.mark.anyio
async def test_the_bridge_offers_exactly_what_the_endpoint_does(
    running_stack: Stack, door: Door, mode: str
) -> None:
    async with client_of(running_stack, "bridge", mode) as through, door.client(mode) as straight:
        assert through.protocol_version == VERSIONS[mode]
        for listing in ("list_tools", "list_prompts", "list_resource_templates"):
            there = (await getattr(straight, listing)()).model_dump(exclude={"ttl_ms", "cache_scope", "meta"})
            here = (await getattr(through, listing)()).model_dump(exclude={"ttl_ms", "cache_scope", "meta"})
            assert here == there, listing


@both_eras
@pytest.mark.anyio
async def test_twelve_documents_at_once_over_one_pipe_each_tell_of_their_own_sections(
    running_stack: Stack, mode: str
) -> None:
    async with client_of(running_stack, "bridge", mode) as client:

        async def make(number: int) -> None:
            heard: list[dict[str, Any]] = []

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                heard.append(json.loads(message or "{}"))

            title, path = f"Pipe {mode} number {number}", f"pipe/{mode}-{number}.md"
            arguments = {"kind": "readme", "title": title, "path": path}
            result = await client.call_tool("docs_generate", arguments, progress_callback=hear)
            assert not result.is_error, result
            assert [one["section"] for one in heard] == result.structured_content["sections"]
            told = "\n".join(one["markdown"] for one in heard)
            assert title in told
            assert told.count("Pipe ") == 1

        await asyncio.gather(*(make(number) for number in range(12)))


@both_ways
@both_eras
@pytest.mark.anyio
async def test_a_person_is_asked_where_the_client_and_the_way_can_carry_a_question(
    running_stack: Stack, mode: str, way: str
) -> None:
    asked: list[str] = []

    async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        content = {"decision": f"By {way} {mode}", "context": "c", "consequences": "d"}
        return ElicitResult(action="accept", content=content)

    arguments = {"kind": "adr", "path": f"asked/{way}-{mode}.md"}
    async with client_of(running_stack, way, mode, elicitation_callback=answer) as client:
        result = await client.call_tool("docs_generate", arguments)
    if (way, mode) == ("gateway", "legacy"):  # stateless HTTP has no way back to such a client
        assert result.is_error
        assert asked == []
    else:
        assert not result.is_error, result
        assert len(asked) == 1


@pytest.mark.anyio
async def test_a_client_of_the_older_revisions_hears_through_the_bridge_that_a_list_has_changed(
    running_stack: Stack, door: Door
) -> None:
    told = asyncio.Event()

    async def handle(message: Any) -> None:
        if isinstance(message, ResourceListChangedNotification):
            told.set()

    async with (
        asyncio.timeout(60),
        client_of(running_stack, "bridge", "legacy", message_handler=handle) as client,
        door.client() as other,
    ):
        for number in range(100):
            path = f"docs/generated/told/{number}.md"
            await other.call_tool("files_write", {"path": path, "content": "x"})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await told.wait()
                    break
        assert told.is_set()
        assert (await client.list_resources()).resources


@both_ways
@pytest.mark.parametrize("name", CLIENTS)
def test_the_official_typescript_clients_work(running_stack: Stack, door: Door, name: str, way: str) -> None:
    program, *args = command(running_stack)
    places: dict[str, Any] = {
        "gateway": {"url": door.url},
        "bridge": {"stdio": {"command": program, "args": args, "env": bare(running_stack), "cwd": "/"}},
    }
    slug = f"{name.replace(' ', '-')}-{way}"
    makes = {"kind": "readme", "title": "TypeScript LABEL", "path": f"typescript/{slug}-NUMBER.md"}
    writes = {"path": f"docs/generated/typescript/{slug}-changed-NUMBER.txt", "content": "x"}
    pushed = way == "bridge" or name == "auto"
    seen = session(
        name,
        {"NODE_EXTRA_CA_CERTS": str(door.ca_file), "MCP_TEST_KEY": door.key},
        **places[way],
        call={"name": "files_read", "arguments": {"path": "src/harbour/berths.py"}},
        progress={"name": "docs_generate", "arguments": makes},
        list="resources",
        **({"change": {"name": "files_write", "arguments": writes}} if pushed else {}),
    )
    assert "docs_generate" in seen["tools"]
    assert "class Berth" in seen["call"]["structuredContent"]["content"]
    assert len(seen["progress"]) == 12
    for one in seen["progress"]:
        # These clients lose progress that they read in one go with the answer; what they do hear is theirs.
        sections = iter(one["structured"]["sections"])
        heard = [json.loads(each["message"]) for each in one["heard"]]
        assert all(each["section"] in sections for each in heard), one
        told = re.findall(r"TypeScript (caller \d+)", "".join(each["markdown"] for each in heard))
        assert set(told) <= {one["label"]}
    assert any(one["heard"] for one in seen["progress"])
    assert seen.get("changed") is True or not pushed


# -- one stack with work to do, over its life --------------------------------------------------------


@pytest.fixture(scope="module")
def busy(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose documents take more than a second the first time."""
    place = tmp_path_factory.mktemp("busy")
    directory = place / "busy"
    directory.mkdir()
    directory.chmod(0o755)
    stack = Stack(engine, directory, place / "state", word="busy")
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@both_ways
@both_eras
@pytest.mark.anyio
async def test_a_document_that_its_caller_gives_up_is_stopped_in_main(
    busy: Stack, mode: str, way: str
) -> None:
    write_modules(busy.directory, f"{way}_{mode}_")
    before = stopped(busy)
    async with client_of(busy, way, mode) as client:
        call = asyncio.create_task(client.call_tool("docs_generate", {"kind": "api-reference"}))
        await asyncio.sleep(0.4)
        assert not call.done()
        call.cancel()
        await asyncio.wait([call])
        await asyncio.to_thread(wait_until, lambda: stopped(busy) > before, 10, "main stops the document")


def test_a_long_document_is_a_task_over_the_pipe(busy: Stack) -> None:
    write_modules(busy.directory, "task_")
    with piped(busy) as pipe:

        def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
            request = message(method, params)
            return pipe.ask(method, request["params"], id=f"t{request['id']}")["result"]

        made = ask("tools/call", {"name": "docs_generate", "arguments": {"kind": "api-reference"}})
        assert made["resultType"] == "task"
        deadline = time.monotonic() + 60
        while (task := ask("tasks/get", {"taskId": made["taskId"]}))["status"] == "working":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert task["status"] == "completed"
        assert task["result"]["structuredContent"]["kind"] == "api-reference"


@both_ways
@pytest.mark.parametrize("name", TASK_CLIENTS)
@pytest.mark.anyio
async def test_a_long_document_is_a_task_that_the_official_clients_follow_and_cancel(
    busy: Stack, name: str, way: str
) -> None:
    long = {"name": "docs_generate", "arguments": {"kind": "api-reference", "path": f"tasks/{name}-{way}.md"}}
    write_modules(busy.directory, f"{name}_{way}_")
    found = await tasks_of(busy, way, name, label=name, callers=1, work=long)
    (worked,) = found["worked"]
    assert worked["kind"] == "task"
    assert [status for status, _ in worked["heard"]][-1] == "completed"
    made = worked["structured"]
    done, _, most = worked["last"].partition(" of ")
    assert int(done) == len(made["sections"]) <= int(most)
    assert made["path"] == f"docs/generated/tasks/{name}-{way}.md"
    assert (busy.directory / made["path"]).is_file()

    write_modules(busy.directory, f"{name}_{way}_again_")
    before = stopped(busy)
    found = await tasks_of(busy, way, name, label=name, callers=0, hang=long)
    assert found["cancelled"] == {"kind": "task", "outcome": "cancelled", "status": "cancelled"}
    await asyncio.to_thread(wait_until, lambda: stopped(busy) > before, 10, "main stops the document")


@pytest.mark.anyio
async def test_a_task_of_another_key_is_not_there_for_the_official_clients(
    busy: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "other.key"
    busy.ok("keys", "create", "other", "--scope", "*", "--out", str(file))
    door = dataclasses.replace(Door.of(busy.endpoint()), key=file.read_text().strip())
    write_modules(busy.directory, "other_")
    async with door.client(extensions=[Tasks({})]) as other:
        begun = await other.session.call_tool("docs_generate", {"kind": "api-reference"}, allow_claimed=True)
        assert isinstance(begun, Begun), begun
        for name in TASK_CLIENTS:
            for way in ("gateway", "bridge"):
                found = await tasks_of(busy, way, name, label=name, callers=0, foreign=begun.task_id)
                assert found["refused"] == [-32602] * 3, (name, way)
        async with asyncio.timeout(60):
            while (task := await get(other.session, begun.task_id)).status == "working":
                await asyncio.sleep(0.1)
        assert task.status == "completed", task


def test_a_pipe_outlives_restarts_and_moved_ports_and_says_what_to_type_meanwhile(busy: Stack) -> None:
    with piped(busy) as pipe:
        pipe.initialize()
        assert pipe.call("files_list")["result"]["structuredContent"]
        busy.ok("restart", "gateway")
        wait_until(lambda: "result" in pipe.call("files_list"), what="calls work after a restart")
        busy.ok("stop")
        error = pipe.ask("tools/list")["error"]
        assert error["code"] == -32010
        assert "docgenctl up" in error["message"]
        first = busy.settings["ports"]["orchestrator"].split("-")[0]
        busy.configure({"ports": {"orchestrator": int(first) + 5}})
        busy.up()
        assert busy.endpoint()["url"] == f"https://localhost:{int(first) + 5}/mcp"
        pipe.until("notifications/tools/list_changed")
        assert pipe.ask("tools/list")["result"]["tools"]
        assert any("docgenctl" in line and "answers again" in line for line in pipe.log)


def test_clients_are_connected_and_each_works_as_it_would_start_it(busy: Stack, tmp_path: Any) -> None:
    def clients(*argv: str) -> Any:
        return busy.ok("clients", *argv, "--json", environ={"HOME": str(tmp_path)}).document

    clients("connect", "claude-code", "claude-desktop", "cursor", "vscode", "codex")
    checked = clients("doctor")
    assert [(one["state"], bool(one["tools"]), one["call_ms"] is not None) for one in checked] == [
        ("connected", True, True)
    ] * 5, checked
    key = Door.of(busy.endpoint()).key
    for one in checked:
        with open(one["file"]) as file:  # noqa: PTH123 - text as the client reads it
            assert key not in file.read()
    clients("disconnect", "--all")
    assert not os.listdir(tmp_path / ".config" / "Claude")  # noqa: PTH208


def test_the_way_through_is_measured_and_nothing_is_lost_on_it(busy: Stack) -> None:
    found = busy.ok("verify", "--stream", "--direct", "--count", "40", "--json").document
    assert found["good"] is True
    assert found["notes"] == []
    assert found["calls"]["times"]["count"] == found["direct"]["times"]["count"] == 40
    assert found["streams"]["frames"] > found["streams"]["streams"] >= 4
    assert (found["streams"]["lost"], found["streams"]["foreign"]) == (0, 0)
    assert {one["service"]: (one["unseen"], one["times"]["count"]) for one in found["cancels"]} == {
        "orchestrator": (0, 5),
        "main": (0, 5),
    }
    assert not list((busy.directory / "docs" / "generated").glob("docgenctl-verify-*"))

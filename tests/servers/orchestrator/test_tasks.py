"""Tasks of the main server through the orchestrator: poll, cancel, restart, and whose they are."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack, write_modules
from tests.servers.wire import Wire

pytestmark = pytest.mark.anyio

DOCUMENT = {"kind": "api-reference"}
_generations = itertools.count()


@asynccontextmanager
async def caller(stack: Stack, path: str = "/mcp") -> AsyncIterator[Wire]:
    base = f"http://127.0.0.1:{stack.orchestrator.port}"
    headers = {"Authorization": f"Bearer {CLIENT_KEY}"}
    async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=60) as http:
        yield Wire(http, path)


async def started(stack: Stack, caller: Wire) -> dict[str, Any]:
    """A document that takes its time, as a task."""
    write_modules(stack.folder.parent / "workspace", f"g{next(_generations)}_")
    made = await caller.call("docs_generate", DOCUMENT)
    assert made["resultType"] == "task"
    return made


def events(stack: Stack, event: str) -> list[dict[str, Any]]:
    return [line for line in stack.servers["main"].lines() if line["event"] == event]


async def test_a_long_document_is_a_task_that_any_endpoint_of_its_server_can_poll(documents: Stack) -> None:
    async with caller(documents) as ann:
        made = await started(documents, ann)
        assert made["resultType"] == "task"
        assert made["taskId"].startswith("main:")
        assert (await ann.result("tasks/get", {"taskId": made["taskId"]}))["status"] == "working"
    async with caller(documents, "/mcp/main") as ann:
        task = await ann.until(made["taskId"], "completed", seconds=60)
    assert task["taskId"] == made["taskId"]
    assert task["result"]["structuredContent"]["kind"] == "api-reference"
    async with caller(documents, "/mcp/red") as elsewhere:
        assert (await elsewhere.error("tasks/get", {"taskId": made["taskId"]}))["code"] == -32602


async def test_cancelling_a_task_stops_the_document_within_a_second(documents: Stack) -> None:
    async with caller(documents) as ann:
        made = await started(documents, ann)
        before = len(events(documents, "document stopped"))
        await ann.result("tasks/cancel", {"taskId": made["taskId"]})
        async with asyncio.timeout(1):
            while len(events(documents, "document stopped")) == before:
                await asyncio.sleep(0.01)
        assert (await ann.result("tasks/get", {"taskId": made["taskId"]}))["status"] == "cancelled"


async def test_what_is_wrong_with_a_request_about_a_task_is_said_here(documents: Stack) -> None:
    async with caller(documents) as ann:
        for unknown in ("main:nothing", "red:nothing", "nobody:nothing", "nothing", "main:", ":"):
            for method, more in (
                ("tasks/get", {}),
                ("tasks/cancel", {}),
                ("tasks/update", {"inputResponses": {}}),
            ):
                error = await ann.error(method, {"taskId": unknown, **more})
                assert error["code"] in ((-32602, -32601) if unknown.startswith("red") else (-32602,))
        named = await ann.error("tasks/get", {"taskId": "main:x"}, more={"Mcp-Name": "main:y"})
        assert named["code"] == -32020
        assert (await ann.error("tasks/get", {"taskId": "main:x"}, capabilities={}))["code"] == -32021
        discovered = await ann.result("server/discover")
    assert "io.modelcontextprotocol/tasks" in discovered["capabilities"]["extensions"]


async def test_the_official_client_is_answered_plainly_in_both_eras(documents: Stack, mode: str) -> None:
    async with documents.client(mode) as client:
        answer = await client.call_tool("docs_generate", {"kind": "changelog"})
    assert answer.structured_content is not None
    assert answer.structured_content["kind"] == "changelog"


async def test_a_task_survives_the_orchestrator_and_fails_with_its_server(documents: Stack) -> None:
    main = documents.servers["main"]
    async with caller(documents) as ann:
        made = await started(documents, ann)
    documents.orchestrator.stop()
    documents.orchestrator.start()
    async with caller(documents) as ann:
        assert (await ann.result("tasks/get", {"taskId": made["taskId"]}))["status"] in (
            "working",
            "completed",
        )
        made = await started(documents, ann)
        main.stop()
        main.start()
        async with asyncio.timeout(10):
            while "error" in (found := await ann.ask("tasks/get", {"taskId": made["taskId"]})):
                assert found["error"]["code"] == -32010
                await asyncio.sleep(0.05)
    assert found["result"]["status"] == "failed"
    assert "restarted" in found["result"]["statusMessage"]
    rows = [json.loads(path.read_text()) for path in Path(main.folder, "data", "tasks").iterdir()]
    assert {row["owner"] for row in rows} == {"default"}

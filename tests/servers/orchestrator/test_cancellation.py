"""A caller changes its mind, in both protocol eras, and the work behind the orchestrator stops."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import Stack, write_modules

pytestmark = pytest.mark.anyio

LEGACY = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}


def stops(stack: Stack) -> list[dict[str, Any]]:
    return [line for line in stack.servers["main"].lines() if line["event"] == "document stopped"]


async def until_stopped(stack: Stack, count: int, since: float) -> float:
    """Seconds from ``since`` until the main server has told of ``count`` stopped documents."""
    async with asyncio.timeout(10):
        while len(stops(stack)) < count:
            await asyncio.sleep(0.01)
    return time.monotonic() - since


async def test_a_cancelled_document_stops_within_a_second_and_the_session_goes_on(
    documents: Stack, mode: str
) -> None:
    write_modules(documents.folder.parent / "workspace", f"c_{mode}_")
    before, begun = len(stops(documents)), asyncio.Event()
    arguments = {"kind": "api-reference", "path": f"cancelled-{mode}.md"}

    async def progress(*_: Any) -> None:
        begun.set()

    async with documents.client(mode) as client:
        call = asyncio.create_task(client.call_tool("docs_generate", arguments, progress_callback=progress))
        async with asyncio.timeout(20):
            await begun.wait()
        since = time.monotonic()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await until_stopped(documents, before + 1, since) < 1
        assert not (await client.call_tool("docs_kinds", {})).is_error
    generated = documents.folder.parent / "workspace/docs/generated"
    assert not (generated / f"cancelled-{mode}.md").exists()


def post(http: httpx2.Client, message: dict[str, Any], session: str | None = None) -> httpx2.Response:
    headers = {**LEGACY, **({"Mcp-Session-Id": session} if session else {})}
    return http.post("/mcp", json={"jsonrpc": "2.0", **message}, headers=headers)


def initialize(http: httpx2.Client) -> str:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    return post(http, {"id": 0, "method": "initialize", "params": params}).headers["mcp-session-id"]


def cancel(http: httpx2.Client, session: str | None, request_id: Any) -> int:
    params = {"requestId": request_id}
    return post(http, {"method": "notifications/cancelled", "params": params}, session).status_code


async def test_only_the_same_caller_in_the_same_session_cancels_a_request_by_its_id(stack: Any) -> None:
    log = stack.servers["red"].log
    with stack.http() as http, stack.http() as canceller:
        session, foreign = initialize(http), initialize(http)
        assert session != foreign
        arguments = {"name": "red_wait", "arguments": {"label": "by-id"}, "_meta": {"progressToken": 1}}
        call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": arguments}
        headers = {**LEGACY, "Mcp-Session-Id": session}
        with http.stream("POST", "/mcp", json=call, headers=headers) as answer:
            lines = answer.iter_lines()
            assert any("waiting" in line for line in iter(lambda: next(lines), None))
            for other, request_id in ((foreign, 7), (None, 7), (session, "7"), (session, 8), (session, None)):
                assert cancel(canceller, other, request_id) == 202
            echo = {"name": "red_echo", "arguments": {"text": "still there"}}
            said = post(canceller, {"id": 9, "method": "tools/call", "params": echo}, session)
            assert "still there" in said.text
            assert "cancelled by-id" not in log.read_text()
            assert cancel(canceller, session, 7) == 202
            assert not [line for line in lines if line.startswith("data:")]
    async with asyncio.timeout(20):
        while "cancelled by-id" not in log.read_text():
            await asyncio.sleep(0.01)


async def test_a_session_id_is_remembered_nowhere_so_any_replica_takes_it(stack: Any) -> None:
    with stack.http() as http:
        listing = post(http, {"id": 1, "method": "tools/list"}, "given-by-another-replica")
    assert "red_echo" in listing.text

"""Sessions of clients of older revisions, through the gateway: of containers, and of processes."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult, ResourceListChangedNotification

from tests.e2e.conftest import MakeStack
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Door, Stack
from tests.e2e.test_processes import ProcessStack

SETTINGS = {"orchestrator": {"legacy_sessions": True}}
OLDER = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
ANSWERS = {
    "decision": "Use squid",
    "context": "Nothing may leave unasked.",
    "consequences": "One list to keep",
    "status": "accepted",
}


@pytest.fixture
def containers(workspace: MakeStack) -> Stack:
    return workspace("sessions", settings=SETTINGS)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Stack]:
    directory = tmp_path / "harbour"
    directory.mkdir()
    stack = ProcessStack(python_repository(directory), tmp_path / "state", "sessions")
    stack.configure(SETTINGS)
    yield stack
    stack.remove()


@pytest.fixture(params=["processes", pytest.param("containers", marks=pytest.mark.engine)])
def stack(request: pytest.FixtureRequest) -> Stack:
    made: Stack = request.getfixturevalue(request.param)
    made.up("--no-prove")
    return made


def opened(http: Any) -> dict[str, str]:
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    request = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    answer = http.post("/mcp", json=request, headers=OLDER)
    return {**OLDER, "Mcp-Session-Id": answer.headers["mcp-session-id"]}


@pytest.mark.anyio
async def test_a_document_is_asked_for_made_and_told_in_a_session(stack: Stack) -> None:
    door = Door.of(stack.endpoint())
    told: list[Any] = []
    asked: list[str] = []

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceListChangedNotification):
            told.append(message)

    async def person(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={**ANSWERS, "reason": ""})

    async with door.client("legacy", message_handler=hear, elicitation_callback=person) as client:
        made = await client.call_tool("docs_generate", {"kind": "adr"})
        assert not made.is_error, made.content
        assert len(asked) == 1
        async with asyncio.timeout(30):
            while not told:
                # The client's own stream may have been opened only after the first document was there.
                await client.call_tool("docs_generate", {"kind": "readme", "path": f"{time.time_ns()}.md"})

    with door.http() as http:
        headers = opened(http)
        with http.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200
            lines = stream.iter_lines()
            assert next(lines).startswith(":")  # a ping, within the gateway's patience
        assert http.delete("/mcp", headers=headers).status_code == 200
        assert http.get("/mcp", headers=headers).status_code == 404
        strange = {**headers, "Mcp-Session-Id": "0" * 32}
        assert http.post("/mcp", json={}, headers=strange).status_code == 404

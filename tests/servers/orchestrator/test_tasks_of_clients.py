"""Tasks by the official clients through the orchestrator, from the call to the result."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp.client import advertise
from pydantic import ValidationError

from tests.servers.orchestrator.conftest import CLIENT_KEY, REPOSITORY, Process, Stack, key_entry, write_keys
from tests.servers.wire import TASKS, Wire
from tests.task_clients import CLIENTS, by_python, by_typescript, check_jobs, jobs

pytestmark = pytest.mark.anyio

OTHER_KEY = "dgk_other-key-of-these-tests"
INVALID_PARAMS = -32602
each_client = pytest.mark.parametrize("name", CLIENTS)


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server whose tools become tasks, behind an orchestrator with two callers."""
    stack = Stack(tmp_path_factory.mktemp("working"))
    server = Process("jobs", stack.folder / "jobs", ["-m", "tests.servers.orchestrator.tasks_program"])
    rooms = [str(REPOSITORY / "server_images" / room / "src") for room in ("common", "orchestrator")]
    server.environment = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *rooms])}
    stack.join(server, "jobs")
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", key_entry(OTHER_KEY, "other"))
    try:
        yield stack.up()
    finally:
        stack.close()


async def session(stack: Stack, name: str, mode: str, **told: Any) -> dict[str, Any]:
    """What the client of that name saw."""
    if name == "python":
        return await by_python(stack.client, mode, **told)
    environ = {"MCP_TEST_KEY": CLIENT_KEY}
    return await asyncio.to_thread(by_typescript, environ, mode, url=stack.orchestrator.url, **told)


@each_client
async def test_a_client_begins_follows_answers_and_cancels_tasks_and_gets_what_they_come_to(
    working: Stack, name: str
) -> None:
    check_jobs(await session(working, name, "auto", **jobs(name)), name)


@each_client
async def test_what_somebody_else_began_is_neither_shown_nor_changed_nor_stopped(
    working: Stack, name: str
) -> None:
    base = f"http://127.0.0.1:{working.orchestrator.port}"
    headers = {"Authorization": f"Bearer {OTHER_KEY}"}
    async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=60) as http:
        other = Wire(http)
        begun = (await other.call("jobs_hang", {"label": f"not of {name}"}))["taskId"]
        found = await session(working, name, "auto", label=name, callers=0, foreign=begun)
        assert found["refused"] == [INVALID_PARAMS] * 3
        assert (await other.result("tasks/get", {"taskId": begun}))["status"] == "working"
        await other.result("tasks/cancel", {"taskId": begun})


@each_client
async def test_a_client_of_the_older_revisions_with_its_extension_is_answered_plainly(
    working: Stack, name: str
) -> None:
    label = f"older {name}"
    await let_go_on(working, f"{label} 0")
    found = await session(working, name, "legacy", label=label, callers=1, work=work("LABEL"))
    assert found["version"] == "2025-11-25"
    (worked,) = found["worked"]
    assert worked["kind"] == "immediate"
    assert worked["structured"] == {"result": f"worked for {label} 0"}


async def test_a_python_client_that_only_says_that_it_knows_tasks_refuses_the_answer(working: Stack) -> None:
    """What there is without an extension of one's own; once this fails, the client has learnt tasks."""
    await let_go_on(working, "said too much")
    async with working.client(extensions=[advertise(TASKS)]) as client:
        with pytest.raises(ValidationError):
            await client.call_tool(**work("said too much"))


async def test_the_typescript_client_alone_refuses_the_answer(working: Stack) -> None:
    """Why it needs its extension, and that a way past it; once this fails, the client has learnt tasks."""
    await let_go_on(working, "alone")
    found = await session(working, "typescript", "auto", label="alone", callers=0, alone=work("alone"))
    assert found["alone"] == "UNSUPPORTED_RESULT_TYPE"


# -- parts -------------------------------------------------------------------------------------------


def work(label: str) -> dict[str, Any]:
    """A call that becomes a task."""
    return {"name": "jobs_work", "arguments": {"label": label}}


async def let_go_on(stack: Stack, label: str) -> None:
    """Let work of that label, begun already or not, take its second step."""
    async with stack.client() as client:
        await client.call_tool("jobs_go_on", {"label": label})

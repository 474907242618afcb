"""Tasks by the official clients with the bridge as their stdio command."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client

from tests.task_clients import CLIENTS, by_python, by_typescript, check_jobs, jobs
from tests.unit.endpoint.bridge.conftest import Home

pytestmark = pytest.mark.anyio
each_client = pytest.mark.parametrize("name", CLIENTS)


async def session(home: Home, name: str, mode: str, **told: Any) -> dict[str, Any]:
    """What the client of that name saw."""

    def opened(mode: str, **more: Any) -> AbstractAsyncContextManager[Client]:
        return Client(home.parameters(), mode=mode, **more)

    if name == "python":
        return await by_python(opened, mode, **told)
    command, *args = home.command()
    stdio = {"command": command, "args": args, "env": home.environ, "cwd": "/"}
    return await asyncio.to_thread(by_typescript, {}, mode, stdio=stdio, **told)


@each_client
async def test_a_client_does_all_with_tasks_through_the_bridge(shared: Home, name: str) -> None:
    check_jobs(await session(shared, name, "auto", **jobs(name)), name)


@each_client
async def test_a_client_of_the_older_revisions_is_answered_plainly(shared: Home, name: str) -> None:
    label = f"older {name}"
    async with Client(shared.parameters()) as other:
        await other.call_tool("jobs_go_on", {"label": f"{label} 0"})
    work = {"name": "jobs_work", "arguments": {"label": "LABEL"}}
    found = await session(shared, name, "legacy", label=label, callers=1, work=work)
    assert found["version"] == "2025-11-25"
    (worked,) = found["worked"]
    assert worked["kind"] == "immediate"
    assert worked["structured"] == {"result": f"worked for {label} 0"}

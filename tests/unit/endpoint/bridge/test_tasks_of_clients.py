"""Tasks by the official clients with the bridge as their stdio command."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client

from tests.task_clients import by_python, by_typescript, check_jobs, jobs
from tests.unit.endpoint.bridge.conftest import Home


@pytest.mark.anyio
async def test_the_python_client_does_all_with_tasks_through_the_bridge(shared: Home) -> None:
    def opened(mode: str, **more: Any) -> AbstractAsyncContextManager[Client]:
        return Client(shared.parameters(), mode=mode, **more)

    check_jobs(await by_python(opened, "auto", **jobs("python")), "python")


def test_the_typescript_client_does_all_with_tasks_through_the_bridge(shared: Home) -> None:
    command, *args = shared.command()
    stdio = {"command": command, "args": args, "env": shared.environ, "cwd": "/"}
    check_jobs(by_typescript({}, "auto", stdio=stdio, **jobs("typescript")), "typescript")

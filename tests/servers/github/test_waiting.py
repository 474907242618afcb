"""Waiting for checks, as a task and as a plain call, over the wire of the real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from docgen_github.server import build_app
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.servers.github.conftest import API_KEY, MakeSettings
from tests.servers.github.serving import served
from tests.servers.github.world import FAST, World
from tests.servers.wire import Wire

pytestmark = pytest.mark.anyio

WAIT = "github_wait_for_checks"


@dataclass
class Waiting:
    """A served server, and a commit whose checks somebody else reports."""

    url: str
    world: World
    sha: str

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Wire]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with httpx2.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=30
        ) as http:
            yield Wire(http)

    @property
    def arguments(self) -> dict[str, Any]:
        return {**self.world.place, "sha": self.sha}

    def begin(self, name: str) -> int:
        """A check begins; its id."""
        run = {"name": name, "head_sha": self.sha, "status": "in_progress"}
        return int(self.world.direct("POST", "/check-runs", "tok_bot", **run)["id"])

    def end(self, run: int, conclusion: str = "success") -> None:
        """A check ends."""
        ended = {"status": "completed", "conclusion": conclusion}
        self.world.direct("PATCH", f"/check-runs/{run}", "tok_bot", **ended)

    async def task(self, wire: Wire, **more: Any) -> str:
        """The id of a call that became a task."""
        made = await wire.call(WAIT, {**self.arguments, **more})
        assert (made["resultType"], made["status"]) == ("task", "working"), made
        return str(made["taskId"])

    async def looks(self, count: int) -> None:
        """Come back when the server has looked so often again."""
        before = self.looked
        async with asyncio.timeout(20):
            while self.looked < before + count:
                await asyncio.sleep(0.005)

    @property
    def looked(self) -> int:
        return len(self.world.front.asked("GET", r".*/check-runs"))


@pytest.fixture
def waiting(
    world: World, make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Waiting]:
    monkeypatch.setenv("DOCGEN_SCRATCH", str(tmp_path))
    settings = make_settings([world.full_name], token="tok_bot", api_url=world.front.url)
    with served(build_app(settings, bounds=replace(FAST, look_every_s=0.02))) as port:
        yield Waiting(f"http://127.0.0.1:{port}", world, world.head())


async def told(wire: Wire, task_id: str, message: str) -> None:
    """Come back when the task says so of its progress."""
    async with asyncio.timeout(20):
        while (await wire.result("tasks/get", {"taskId": task_id})).get("statusMessage") != message:
            await asyncio.sleep(0.01)


async def test_a_wait_becomes_a_task_that_tells_its_progress_and_ends_with_the_checks(
    waiting: Waiting,
) -> None:
    first, second = waiting.begin("tests"), waiting.begin("lint")
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire)
        await told(wire, task_id, "0 of 2: 0 checks finished")
        waiting.end(first)
        await told(wire, task_id, "1 of 2: 1 checks finished")
        assert (await wire.result("tasks/get", {"taskId": task_id}))["status"] == "working"
        waiting.end(second)
        task = await wire.until(task_id, "completed")
    found = task["result"]["structuredContent"]
    assert (found["state"], found["timed_out"], len(found["checks"])) == ("success", False, 2)
    assert found["waited_s"] >= 1
    assert not task["result"].get("isError")


async def test_a_check_that_fails_ends_the_wait_as_a_result_and_no_error(waiting: Waiting) -> None:
    passing, failing = waiting.begin("tests"), waiting.begin("lint")
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire)
        waiting.end(failing, "failure")
        await told(wire, task_id, "1 of 2: 1 checks finished")
        waiting.end(passing)
        task = await wire.until(task_id, "completed")
    found = task["result"]["structuredContent"]
    assert (found["state"], found["timed_out"]) == ("failure", False)
    assert {check["untrusted"]["name"]: check["state"] for check in found["checks"]} == {
        "tests": "success",
        "lint": "failure",
    }


async def test_a_cancelled_wait_asks_github_nothing_more(waiting: Waiting) -> None:
    waiting.begin("tests")
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire)
        await waiting.looks(1)
        await wire.result("tasks/cancel", {"taskId": task_id})
        assert (await wire.result("tasks/get", {"taskId": task_id}))["status"] == "cancelled"
        # whatever was under way when it was cancelled has come to its end when others were answered
        await wire.call("github_get_repository", waiting.world.place)
        before = waiting.looked
        for _ in range(10):
            await wire.call("github_get_repository", waiting.world.place)
        assert waiting.looked == before


async def test_a_caller_that_goes_away_ends_its_wait(waiting: Waiting) -> None:
    waiting.begin("tests")
    async with waiting.caller() as gone:
        call = asyncio.create_task(gone.call(WAIT, waiting.arguments, capabilities={}))
        await waiting.looks(3)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    async with waiting.caller() as wire, asyncio.timeout(20):
        before = -1
        while waiting.looked != before:
            before = waiting.looked
            for _ in range(10):
                await wire.call("github_get_repository", waiting.world.place)


async def test_a_wait_ends_at_its_deadline_and_says_so(waiting: Waiting) -> None:
    waiting.begin("tests")
    async with waiting.caller() as wire:
        task = await wire.until(await waiting.task(wire, timeout_s=2), "completed")
    found = task["result"]["structuredContent"]
    assert (found["state"], found["timed_out"], found["waited_s"]) == ("pending", True, 2)


async def test_checks_that_appear_late_are_waited_for(waiting: Waiting) -> None:
    waiting.end(waiting.begin("tests"))
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire, at_least=2)
        await told(wire, task_id, "1 of 2: 1 checks finished")
        waiting.end(waiting.begin("lint"))
        found = (await wire.until(task_id, "completed"))["result"]["structuredContent"]
    assert (found["state"], len(found["checks"])) == ("success", 2)


async def test_a_github_that_fails_for_a_while_does_not_end_the_wait(waiting: Waiting) -> None:
    run = waiting.begin("tests")
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire)
        waiting.world.front.fail("GET", r".*/check-runs", "answer", status=502, times=4 * FAST.attempts)
        await waiting.looks(4 * FAST.attempts + 1)
        assert waiting.world.front.faults == []
        assert (await wire.result("tasks/get", {"taskId": task_id}))["status"] == "working"
        waiting.end(run)
        found = (await wire.until(task_id, "completed"))["result"]["structuredContent"]
    assert found["state"] == "success"


@pytest.mark.parametrize(("status", "words"), [(401, "does not accept the token"), (404, "has no")])
async def test_a_github_that_refuses_ends_the_wait_with_the_reason(
    status: int, words: str, waiting: Waiting
) -> None:
    waiting.begin("tests")
    async with waiting.caller() as wire:
        task_id = await waiting.task(wire)
        waiting.world.front.fail("GET", r".*/check-runs", "answer", status=status, times=1)
        result = (await wire.until(task_id, "completed"))["result"]
    assert result["isError"] is True
    assert words in result["content"][0]["text"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_without_tasks_is_told_progress_that_grows(waiting: Waiting, mode: str) -> None:
    runs = [waiting.begin(name) for name in ("tests", "lint", "types")]
    seen: list[tuple[float, float | None]] = []
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {API_KEY}"}, trust_env=False, timeout=30)

    async def progress(value: float, total: float | None, _: str | None) -> None:
        seen.append((value, total))
        await waiting.looks(2)
        if runs:
            waiting.end(runs.pop())

    async with (
        http,
        Client(streamable_http_client(f"{waiting.url}/mcp", http_client=http), mode=mode) as client,
    ):
        result = await client.call_tool(WAIT, waiting.arguments, progress_callback=progress)
    assert result.structured_content["state"] == "success"
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]

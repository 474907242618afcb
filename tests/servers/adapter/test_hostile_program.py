"""A program that misbehaves harms its own calls, and nobody else's."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.adapter.conftest import PROGRAM, Adapter, until

Make = Callable[..., Adapter]
pytestmark = pytest.mark.anyio


def memory(pid: int) -> int:
    """Resident bytes at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def alive(group: int) -> list[str]:
    """Processes of a group that are more than an entry for somebody to collect."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                found.append(stat.parent.name)
    return found


async def test_what_is_no_message_is_logged_and_passed_over(one: Adapter) -> None:
    async with one.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "garbage"})
    assert answer["result"]
    logged = [
        line for line in one.lines() if line["event"] == "the program wrote something that is no message"
    ]
    assert logged[0]["line"] == "Listening on stdio…"
    assert len(logged) == 3
    assert all(len(line["line"]) <= 4096 for line in logged)


async def test_a_crash_fails_the_calls_under_way_and_the_program_is_started_again(one: Adapter) -> None:
    async with one.caller() as caller:
        slow = asyncio.create_task(caller.ask("tools/call", {"name": "slow"}))
        await asyncio.to_thread(until, lambda: '"slow"' in (one.work / "heard").read_text())
        crash = await caller.ask("tools/call", {"name": "crash"})
        error = (await asyncio.wait_for(slow, 10))["error"]
        assert crash["error"]["code"] == error["code"] == -32010
        assert "exit code 7" in error["message"]
        await asyncio.to_thread(one.until_ready)
        assert (await caller.ask("tools/call", {"name": "echo"}))["result"]


async def test_listeners_learn_that_everything_may_have_changed_after_a_restart(one: Adapter) -> None:
    async with one.client() as client, client.listen(tools_list_changed=True) as events:
        [pid] = one.children()
        os.kill(pid, signal.SIGKILL)
        event = await asyncio.wait_for(anext(events), 15)
    assert type(event).__name__ == "ToolsListChanged"


async def test_an_answer_of_100_mib_fails_its_call_and_costs_no_memory(one: Adapter) -> None:
    assert one.process is not None
    before = memory(one.process.pid)
    async with one.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "huge"})
        assert "larger than 16 MiB" in answer["error"]["message"]
        assert (await caller.ask("tools/call", {"name": "echo"}))["result"]
    assert memory(one.process.pid) - before < 48 * 2**20


async def test_a_large_message_that_does_not_say_whom_it_answers_ends_the_program(one: Adapter) -> None:
    async with one.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "huge_unnamed"})
        assert answer["error"]["code"] == -32010
        await asyncio.to_thread(one.until_ready)
        assert (await caller.ask("tools/call", {"name": "echo"}))["result"]


async def test_a_flood_of_log_lines_is_bounded(one: Adapter) -> None:
    async with one.caller() as caller:
        await caller.ask("tools/call", {"name": "flood"})
        assert (await caller.ask("tools/call", {"name": "echo"}))["result"]
    assert len([line for line in one.lines() if line["event"] == "stderr"]) < 400


async def test_a_program_that_hangs_is_ended_once_nobody_waits_for_it(
    make_adapter: Callable[..., Adapter],
) -> None:
    adapter = make_adapter({"command": [sys.executable, str(PROGRAM)]}).until_ready()
    [pid] = adapter.children()
    os.kill(pid, signal.SIGSTOP)
    await asyncio.to_thread(until, lambda: adapter.ready()[0] == 503, what="it is seen")
    await asyncio.to_thread(until, lambda: adapter.children() not in ([pid], []), 60, "another program runs")
    await asyncio.to_thread(adapter.until_ready)


def test_a_program_that_is_not_there_is_named_and_the_adapter_lives(
    make_adapter: Callable[..., Adapter],
) -> None:
    adapter = make_adapter({"command": ["mcp-server-nowhere", "--x"]})
    until(lambda: "no program" in str(adapter.ready()[1]))
    assert adapter.ready()[1]["checks"]["server"]["detail"] == "there is no program mcp-server-nowhere"


def test_a_program_that_ends_at_once_is_told_with_its_exit_code(make_adapter: Make) -> None:
    adapter = make_adapter({"command": [sys.executable, "-c", "raise SystemExit(3)"]})
    until(lambda: "exit code 3" in str(adapter.ready()[1]))


async def test_a_call_to_a_program_that_does_not_run_fails_at_once(
    make_adapter: Callable[..., Adapter],
) -> None:
    adapter = make_adapter({"command": [sys.executable, "-c", "raise SystemExit(3)"]})
    until(lambda: "exit code 3" in str(adapter.ready()[1]))
    async with adapter.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "echo"})
    assert answer["error"]["code"] == -32010
    assert "exit code 3" in answer["error"]["message"]


def test_nothing_of_the_program_outlives_the_adapter(
    make_adapter: Callable[..., Adapter], tmp_path: Path
) -> None:
    nest = "import subprocess,sys; subprocess.Popen([sys.executable,'-c','import time; time.sleep(300)']); "
    nest += f"sys.argv=['p']; exec(open({str(PROGRAM)!r}).read())"
    adapter = make_adapter({"command": [sys.executable, "-c", nest]}).until_ready()
    [pid] = adapter.children()
    assert adapter.stop() == 0
    until(lambda: not alive(pid), what="all of its session is gone")

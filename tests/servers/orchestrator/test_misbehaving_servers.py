"""One server of three misbehaves, in every way there is, while all three are called.

What is required each time: no call to the others fails or waits; calls to the one that misbehaves fail within
their time with an error that names it; it is served again within one probe of its return; and what it sends
costs bounded memory. Attack case 79 (a server hangs or dies) is driven here, too.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.servers.orchestrator.conftest import Process, Stack
from tests.servers.orchestrator.erratic_backend import MISBEHAVIOURS
from tests.servers.orchestrator.raw_caller import Answer, RawCaller

pytestmark = pytest.mark.anyio

TIMEOUT_S = 1.5
"""What calls to each server may take."""

PROBE_S = 2.0
"""A probe comes within a second of a server's return; the rest is for a busy machine."""

SOON_S = 1.0
"""Less than any time-out: calls that wait for another server's fault take longer."""

GROWTH_MIB = 250
"""A reply of the largest size, 64 MiB, costs as much again two or three times when it is put together."""

LENGTH_S = 2.5
CALLERS, ITS_CALLERS = 4, 16
ALL = [*MISBEHAVIOURS, "SIGSTOP", "SIGKILL"]


@dataclass
class Calls:
    """How calls to one server went."""

    took_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def p99_ms(self) -> float:
        return sorted(self.took_s)[int(len(self.took_s) * 0.99)] * 1000


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("trio"))
    for name in ("red", "green", "blue"):
        stack.add_erratic(name, timeout_s=TIMEOUT_S)
    try:
        yield stack.up()
    finally:
        stack.close()


@asynccontextmanager
async def called(stack: Stack, name: str, callers: int = CALLERS) -> AsyncIterator[Calls]:
    """Callers who call one server without a pause, whatever they get."""
    calls = Calls()

    async def go(number: int) -> None:
        async with RawCaller(stack.orchestrator.port) as caller:
            while True:
                begun = time.monotonic()
                try:
                    answer = await caller.call(f"{name}_say", {"marker": f"{name}-{number}", "size": 50})
                    said = "" if "result" in answer.message else told(answer)
                except (OSError, EOFError) as error:
                    said = f"no answer: {error!r}"
                calls.took_s.append(time.monotonic() - begun)
                if said:
                    calls.errors.append(said)
                    await asyncio.sleep(0.01)  # not a flood of failures; what is measured is others

    tasks = [asyncio.create_task(go(number)) for number in range(callers)]
    try:
        yield calls
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in done), done


def told(answer: Answer) -> str:
    error = answer.message["error"]
    return f"{error['code']} {error['message']}"


def misbehave(server: Process, how: str) -> None:
    """Begin, without waiting for anything."""
    assert server.process is not None
    if how == "SIGSTOP":
        server.process.send_signal(signal.SIGSTOP)
    elif how == "SIGKILL":
        server.stop()
    else:
        httpx2.put(f"http://127.0.0.1:{server.port}/misbehave", content=how, trust_env=False)


def behave(server: Process, how: str) -> None:
    """Be well again; returns when the server by itself is."""
    assert server.process is not None
    if how == "SIGSTOP":
        server.process.send_signal(signal.SIGCONT)
    elif how == "SIGKILL":
        server.start()
    else:
        httpx2.put(f"http://127.0.0.1:{server.port}/misbehave", content="", trust_env=False)


async def until_served(stack: Stack, name: str) -> float:
    """Seconds until a call succeeds."""
    begun = time.monotonic()
    async with RawCaller(stack.orchestrator.port) as caller:
        while True:
            answer = await caller.call(f"{name}_say", {"marker": "back"})
            if "result" in answer.message:
                return time.monotonic() - begun
            assert time.monotonic() - begun < 30, answer.message
            await asyncio.sleep(0.02)


def peak_mib(process: Process) -> float:
    assert process.process is not None
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("how", ALL)
async def test_a_misbehaving_server_takes_only_its_own_calls_away_and_is_soon_back_case_79(
    trio: Stack, how: str
) -> None:
    red = trio.servers["red"]
    await until_served(trio, "red")
    reset_peak(trio.orchestrator)
    before = peak_mib(trio.orchestrator)
    async with called(trio, "green") as green, called(trio, "blue") as blue:
        await asyncio.sleep(0.5)
        well_ms = max(green.p99_ms(), blue.p99_ms())
        await asyncio.to_thread(misbehave, red, how)
        async with called(trio, "red", ITS_CALLERS) as its_own:
            await asyncio.sleep(LENGTH_S)
        await asyncio.to_thread(behave, red, how)
        back_s = await until_served(trio, "red")
    grown = peak_mib(trio.orchestrator) - before
    unwell_ms = max(green.p99_ms(), blue.p99_ms())
    print(  # noqa: T201 - the figures that this is run for
        f"{how}: p99 of {len(green.took_s + blue.took_s)} others {well_ms:.0f} → {unwell_ms:.0f} ms; "
        f"its own {len(its_own.errors)} of {len(its_own.took_s)} failed, "
        f"slowest {max(its_own.took_s, default=0):.2f} s; back in {back_s:.2f} s; {grown:.0f} MiB grown"
    )
    assert green.errors == blue.errors == []
    assert max(green.took_s + blue.took_s) < SOON_S
    assert len(its_own.errors) == len(its_own.took_s) > 0
    assert {error for error in its_own.errors if "red" not in error} == set()
    assert max(its_own.took_s) < TIMEOUT_S + SOON_S
    assert back_s < PROBE_S
    assert grown < GROWTH_MIB


def reset_peak(process: Process) -> None:
    assert process.process is not None
    Path(f"/proc/{process.process.pid}/clear_refs").write_text("5")

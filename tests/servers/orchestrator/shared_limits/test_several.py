"""Rates over several orchestrators, in a real store: in a burst, over restarts, while the store is away."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import wait_until
from tests.servers.orchestrator.shared_limits.several import Several, call, told
from tests.valkey_fixtures import RunningValkey

pytestmark = [pytest.mark.engine, pytest.mark.anyio, pytest.mark.timeout(240)]

NOT_COUNTED = -32016
KEYS: dict[str, dict[str, Any]] = {
    "small": {"rate": "10/h"},
    "middle": {"rate": "60/h"},
    "large": {"rate": "320/h"},
    "tool": {"tool_rates": {"red_e*": "12/h"}, "rate": "100/h"},
    "killed": {"rate": "40/h"},
    "stopped": {"rate": "40/h"},
    "older": {"rate": "14/h"},
    "paused": {"rate": "30/h"},
    "dead": {"rate": "30/h"},
    "free": {},
}


@pytest.fixture(scope="module")
def several(valkey: RunningValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    running = Several(tmp_path_factory.mktemp("several"), 3, valkey)
    try:
        yield running.up(**KEYS)
    finally:
        running.close()


@pytest.mark.parametrize(("key", "limit"), [("small", 10), ("middle", 60), ("large", 320)])
async def test_ten_times_the_limit_on_all_of_them_gets_the_limit_through(
    several: Several, key: str, limit: int
) -> None:
    begun = time.monotonic()
    answers = await call(several.orchestrators, key, 10 * limit + limit % 3)
    gained = int((time.monotonic() - begun) * limit / 3600) + 1
    counted = told(answers)
    assert set(counted) == {200, 429}
    # A token that was leased was taken from the store before, so a burst from full gets no lease on top.
    assert limit - 1 <= counted[200] <= limit + gained
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["data"]["code"] == "rate_limited"
            assert answer.headers["ratelimit-policy"] == f'"key";q={limit};w=3600'


async def test_a_tools_rate_is_one_rate_over_all_of_them(several: Several) -> None:
    counted = told(await call(several.orchestrators, "tool", 60))
    assert counted == {200: 12, 429: 48}
    others = told(await call(several.orchestrators, "tool", 300, tool="red_pid", arguments={}))
    assert 100 - 12 <= others[200] <= 100 - 12 + 1, "what was refused cost the key nothing"


async def test_clients_of_older_revisions_pay_into_the_same_bucket(several: Several) -> None:
    assert told(await call(several.orchestrators, "older", 9)) == {200: 9}
    answers = await call_older(several, 30)
    assert sorted(answers) == [200] * 5 + [429] * 25


async def call_older(several: Several, count: int) -> list[int]:
    """Statuses of so many calls as clients of 2025-11-25 send them, spread over all orchestrators."""
    sent = {
        "Authorization": "Bearer dgk_older-key-of-these-tests",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "red_echo", "arguments": {"text": "hi"}},
    }
    async with httpx2.AsyncClient(headers=sent, trust_env=False, timeout=60) as http:
        urls = [several.orchestrators[number % 3].url for number in range(count)]
        answers = await asyncio.gather(*(http.post(url, json=body) for url in urls))
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(("key", "sign"), [("killed", signal.SIGKILL), ("stopped", signal.SIGTERM)])
async def test_counts_survive_the_end_of_an_orchestrator(
    several: Several, key: str, sign: signal.Signals
) -> None:
    assert told(await call(several.orchestrators, key, 24)) == {200: 24}
    await asyncio.to_thread(several.restart, 1, sign)
    counted = told(await call(several.orchestrators, key, 120))
    # What one that was killed had at hand, a lease of 2, is lost with it, and never given twice.
    assert (14 if sign is signal.SIGKILL else 16) - 2 <= counted[200] <= 16
    assert counted[200] + counted[429] == 120


@asynccontextmanager
async def without(several: Several, go: Callable[[], None], back: Callable[[], None]) -> AsyncIterator[None]:
    """While the store is gone, once all have noticed; afterwards until all count again."""
    await asyncio.to_thread(go)
    try:
        await asyncio.to_thread(wait_until, lambda: not any(map(several.counts, several.orchestrators)), 30)
        yield
    finally:
        await asyncio.to_thread(back)
    await asyncio.to_thread(wait_until, lambda: all(map(several.counts, several.orchestrators)), 30)


@pytest.mark.parametrize("how", ["paused", "dead"])
async def test_without_the_store_shares_are_in_force_writes_are_refused_and_it_is_told(
    several: Several, valkey: RunningValkey, how: str
) -> None:
    ways = {"paused": (valkey.pause, valkey.go_on), "dead": (valkey.kill, valkey.start)}
    before = told(await call(several.orchestrators, how, 6))
    assert before == {200: 6}
    async with without(several, *ways[how]):
        reads = told(await call(several.orchestrators, how, 60))
        # A third of thirty each, two of which are gone.
        assert reads == {200: 24, 429: 36}
        writes = await call(several.orchestrators, how, 9, tool="red_big", arguments={"size": 1})
        assert told(writes) == {503: 9}
        for answer in writes:
            assert answer.headers["retry-after"] == "1"
            error = answer.json()["error"]
            assert (error["code"], error["data"]["code"]) == (NOT_COUNTED, "not_counted")
        free = await call(several.orchestrators, "free", 3, tool="red_big", arguments={"size": 1})
        assert told(free) == {200: 3}, "without a rate there is nothing to count"
        first = several.orchestrators[0]
        assert several.metric(first, "docgen_limits_store_away") == 1
        assert several.metric(first, "docgen_limits_refused_uncounted_total") >= 3
        errors = [line for line in first.lines() if "store of rates is away" in line.get("event", "")]
        assert errors
        assert errors[-1]["level"] == "error"
    assert several.metric(several.orchestrators[0], "docgen_limits_store_away") == 0
    # What was handed out without the store counts in it.
    after = told(await call(several.orchestrators, how, 30))
    assert after[200] <= 1


async def test_a_call_in_flight_when_the_store_stops_is_answered_by_the_share(
    several: Several, valkey: RunningValkey
) -> None:
    async def calls() -> list[int]:
        return sorted(told(await call(several.orchestrators, "large", 30)))

    async with without(several, valkey.pause, valkey.go_on):
        assert set(await calls()) <= {200, 429}

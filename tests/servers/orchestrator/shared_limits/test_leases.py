"""Leases: never more than the rate and one lease of each orchestrator, never less than there is."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from docgen_common.rates import NotCountedError, Rate
from docgen_orchestrator.shared_limits.counting import PATIENCE_NS, Counting
from docgen_orchestrator.shared_limits.leases import (
    IDLE_NS,
    LARGEST_LEASE,
    NS,
    AskFirstError,
    Leases,
    most_leased,
)
from docgen_orchestrator.shared_limits.limiter import SharedLimiter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.orchestrator.shared_limits.ledger import Clock, Ledger

pytestmark = pytest.mark.anyio


@dataclass
class Key:
    id: str
    rate: Rate | None = None
    tool_rates: tuple[tuple[re.Pattern[str], Rate], ...] = ()


class Replica:
    """One orchestrator's limiter."""

    def __init__(self, ledger: Ledger, clock: Clock, replicas: int) -> None:
        self.counting = Counting(ledger, clock=clock)
        self.limiter = SharedLimiter(clock=clock)
        self.limiter.share_among(replicas)
        self.limiter.count_in(self.counting)

    async def judge(self, keys: Sequence[Key], **more: bool) -> list[bool]:
        """Requests that come at the same moment."""
        tasks = [asyncio.create_task(self.limiter.judge(key, **more)) for key in keys]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            await self.counting.ask_all()
        verdicts = [task.result() for task in tasks]
        return [verdict is not None and verdict.allowed for verdict in verdicts]


@dataclass
class World:
    clock: Clock
    ledger: Ledger
    replicas: list[Replica]

    @classmethod
    async def of(cls, count: int) -> "World":
        clock = Clock()
        ledger = Ledger(clock)
        world = cls(clock, ledger, [Replica(ledger, clock, count) for _ in range(count)])
        for replica in world.replicas:
            await replica.counting.begin()
        return world


RATES = st.builds(
    Rate, st.integers(1, 200), st.sampled_from([1, 60, 3600]), st.one_of(st.integers(1, 40), st.just(500))
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3), st.integers(1, 40)),
        st.tuples(st.just("wait"), st.just(0), st.integers(1, 3000)),
        st.tuples(st.just("look"), st.integers(0, 3), st.just(0)),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(st.integers(1, 4), RATES, STEPS)
def test_all_together_admit_what_the_rate_allows_and_one_lease_each(
    count: int, rate: Rate, steps: list[tuple[str, int, int]]
) -> None:
    async def story() -> list[int]:
        world, key, admitted = await World.of(count), Key("a", rate), []
        for verb, who, number in steps:
            replica = world.replicas[who % count]
            if verb == "ask":
                admitted += [world.clock.now] * sum(await replica.judge([key] * number))
            elif verb == "wait":
                world.clock.now += number * NS // 1000
            else:
                await replica.counting.ask_all()
        return admitted

    admitted = asyncio.run(story())
    leased = count * most_leased(rate)
    for first, begin in enumerate(admitted):
        for last in range(first, len(admitted)):
            gained = (admitted[last] - begin) * rate.count // (rate.per_s * NS) + 1
            before = 0 if first == 0 else leased
            assert last - first + 1 <= rate.burst + gained + before - (1 if first == 0 else 0)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 300), st.randoms(use_true_random=False))
def test_a_burst_on_all_of_them_gets_all_there_is(count: int, burst: int, chance: object) -> None:
    async def story() -> int:
        world, key = await World.of(count), Key("a", Rate(1, 3600, burst))
        left = dict.fromkeys(range(count), burst + 5)
        accepted = 0
        while left:
            who = chance.choice(sorted(left))  # type: ignore[attr-defined]
            some = min(left[who], chance.randint(1, 20))  # type: ignore[attr-defined]
            accepted += sum(await world.replicas[who].judge([key] * some))
            left[who] -= some
            if not left[who]:
                del left[who]
            world.clock.now += NS // 50  # what was refused is asked for again
        return accepted

    assert asyncio.run(story()) in (burst, burst + 1)


async def test_a_token_at_hand_is_handed_out_without_asking() -> None:
    world = await World.of(1)
    (replica,), key = world.replicas, Key("a", Rate(1000, 60, 1000))
    for _ in range(8):
        assert await replica.judge([key]) == [True]
    asked = world.ledger.asked
    (lease,) = replica.counting.leases
    assert 2 <= lease.held <= most_leased(lease.rate)
    for _ in range(lease.held):
        verdict = replica.limiter.take(key)
        assert verdict is not None
        assert verdict.allowed
    assert world.ledger.asked == asked


async def test_what_is_not_at_hand_is_never_refused_unasked() -> None:
    world = await World.of(1)
    with pytest.raises(AskFirstError):
        world.replicas[0].limiter.take(Key("a", Rate(10, 60, 10)))


async def test_a_refusal_is_repeated_for_a_moment_without_asking() -> None:
    world = await World.of(1)
    (replica,), key = world.replicas, Key("a", Rate(1, 60, 1))
    assert await replica.judge([key, key]) == [True, False]
    verdict = replica.limiter.take(key)
    assert verdict is not None
    assert (verdict.allowed, verdict.remaining) == (False, 0)
    assert 59 < verdict.retry_after_s <= 60
    world.clock.now += NS // 10
    with pytest.raises(AskFirstError):
        replica.limiter.take(key)


async def test_what_one_does_not_use_goes_to_another() -> None:
    world = await World.of(2)
    one, other = world.replicas
    key = Key("a", Rate(1, 3600, 160))
    for _ in range(6):
        await one.judge([key])
    held = sum(lease.held for lease in one.counting.leases)
    assert held > 0
    world.clock.now += IDLE_NS + 1
    await one.counting.ask_all()
    assert sum(lease.held for lease in one.counting.leases) == 0
    assert sum(await other.judge([key] * 200)) == 154


async def test_a_call_takes_from_all_of_its_buckets_or_from_none() -> None:
    world = await World.of(1)
    (replica,) = world.replicas
    key = Key("a", Rate(1, 3600, 5), ((re.compile("tool"), Rate(1, 3600, 2)),))

    async def calls(count: int) -> int:
        tasks = [asyncio.create_task(replica.limiter.judge(key, "tool")) for _ in range(count)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            await replica.counting.ask_all()
        return sum(verdict is not None and verdict.allowed for verdict in (t.result() for t in tasks))

    assert await calls(4) == 2
    assert sum(await replica.judge([key] * 5)) == 3


async def test_while_the_store_is_away_shares_are_in_force_and_are_no_new_burst() -> None:
    world = await World.of(2)
    one, other = world.replicas
    key = Key("a", Rate(1, 3600, 10))
    assert sum(await one.judge([key] * 4)) == 4
    world.ledger.away = True
    # Five of ten are its share, and four are gone.
    assert sum(await one.judge([key] * 20)) == 1
    assert sum(await other.judge([key] * 20)) == 5
    assert one.limiter.away


async def test_what_was_handed_out_without_the_store_is_told_to_it() -> None:
    world = await World.of(2)
    one, other = world.replicas
    key = Key("a", Rate(1, 3600, 10))
    world.ledger.away = True
    assert sum(await one.judge([key] * 20)) == 5
    world.ledger.away = False
    await one.counting.begin()
    assert sum(await other.judge([key] * 20)) == 5, "told before anything else is asked"
    assert sum(await one.judge([key] * 20)) == 0


async def test_what_may_write_is_refused_while_it_cannot_be_counted() -> None:
    world = await World.of(1)
    (replica,), refused = world.replicas, []
    replica.limiter.on_uncounted = lambda: refused.append(1)
    key = Key("a", Rate(10, 60, 10))
    assert await replica.judge([key], reads=False) == [True]
    world.ledger.away = True
    assert await replica.judge([Key("b", Rate(1, 60, 1))]) == [True], "by its share"
    world.clock.now += PATIENCE_NS
    with pytest.raises(NotCountedError) as caught:
        await replica.judge([key], reads=False)
    assert caught.value.retry_after_s == 1
    assert refused == [1]
    assert await replica.judge([key]) == [True], "what only reads goes on"
    assert await replica.limiter.judge(Key("free"), "tool", reads=False) is None, "without a rate too"
    with pytest.raises(NotCountedError):
        await replica.limiter.judge_tool(key, "tool", None, reads=False)
    world.ledger.away = False
    await replica.counting.begin()
    assert await replica.judge([key], reads=False) == [True]


async def test_what_may_write_waits_while_the_store_may_only_be_starting_anew() -> None:
    world = await World.of(1)
    (replica,), key = world.replicas, Key("a", Rate(10, 60, 10))
    world.ledger.away = True
    assert await replica.judge([key]) == [True]
    waiting = asyncio.create_task(replica.limiter.judge(key, reads=False))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    world.ledger.away = False
    await replica.counting.begin()
    running = asyncio.create_task(replica.counting.run())
    verdict = await asyncio.wait_for(waiting, 10)
    assert verdict is not None
    assert verdict.allowed
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_waits_for_a_store_that_is_given_up_is_judged_without_one() -> None:
    world = await World.of(1)
    (replica,), key = world.replicas, Key("a", Rate(10, 60, 10))
    world.ledger.away = True
    running = asyncio.create_task(replica.counting.run())
    assert await replica.judge([key]) == [True]
    waiting = asyncio.create_task(replica.limiter.judge(key, reads=False))
    await asyncio.sleep(0)
    replica.limiter.count_in(None)
    running.cancel()
    verdict = await asyncio.wait_for(waiting, 10)
    assert verdict is not None
    assert verdict.allowed
    await asyncio.gather(running, return_exceptions=True)


async def test_nobody_waits_for_a_store_that_goes() -> None:
    world = await World.of(1)
    (replica,) = world.replicas
    waiting = asyncio.create_task(replica.limiter.judge(Key("a", Rate(10, 60, 10))))
    await asyncio.sleep(0)
    running = asyncio.create_task(replica.counting.run())
    world.ledger.away = True
    verdict = await asyncio.wait_for(waiting, 10)
    assert verdict is not None
    assert verdict.allowed
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_stops_gives_back_what_is_at_hand() -> None:
    world = await World.of(2)
    one, other = world.replicas
    key = Key("a", Rate(1, 3600, 160))
    for _ in range(6):
        await one.judge([key])
    running = asyncio.create_task(one.counting.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sum(await other.judge([key] * 200)) == 154


async def test_another_rate_of_a_key_is_followed_at_once() -> None:
    world = await World.of(1)
    (replica,) = world.replicas
    assert sum(await replica.judge([Key("a", Rate(1, 3600, 4))] * 4)) == 4
    assert sum(await replica.judge([Key("a", Rate(3600, 1, 4))] * 2)) == 0
    world.clock.now += NS
    assert sum(await replica.judge([Key("a", Rate(3600, 1, 4))] * 8)) == 4


@pytest.mark.parametrize(
    ("text", "leased"), [("10/s", 1), ("31/m", 1), ("160/m", 10), ("5000/s", LARGEST_LEASE), ("1/h", 1)]
)
def test_a_lease_is_a_sixteenth_of_the_burst_at_most(text: str, leased: int) -> None:
    assert most_leased(Rate.parse(text)) == leased


def test_there_are_never_more_buckets_than_allowed_and_the_longest_unused_go() -> None:
    leases = Leases(lambda: None, most=10)
    rate = Rate(1, 3600, 5)
    for number in range(30):
        leases.bucket((f"key-{number}", ""), rate, number * NS)
        assert len(leases) <= 10
    names = {lease.name[0] for lease in leases}
    assert "key-29" in names
    assert "key-0" not in names

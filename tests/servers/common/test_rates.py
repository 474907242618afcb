"""Token buckets: exact at their boundaries, whatever the clock says."""

import asyncio
import random
import re
from dataclasses import dataclass

import pytest
from docgen_common.rates import Limiter, LocalBuckets, Rate, Verdict

SECOND = 1_000_000_000


@dataclass
class Key:
    id: str
    rate: Rate | None = None
    tool_rates: tuple[tuple[re.Pattern[str], Rate], ...] = ()


class Clock:
    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(clock=clock)


def _take(limiter: Limiter, key: Key, tool: str | None = None, tool_rate: Rate | None = None) -> Verdict:
    verdict = limiter.take(key, tool, tool_rate)
    assert verdict is not None
    return verdict


def _allowed(
    limiter: Limiter, key: Key, tries: int, tool: str | None = None, rate: Rate | None = None
) -> int:
    return sum(_take(limiter, key, tool, rate).allowed for _ in range(tries))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", Rate(10, 1, 10)),
        ("600/m", Rate(600, 60, 600)),
        ("100/h", Rate(100, 3600, 100)),
        ("5/s burst 20", Rate(5, 1, 20)),
        ("60/m burst 1", Rate(60, 60, 1)),
    ],
)
def test_a_rate_is_read_and_written_alike(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate
    assert str(rate) == text


@pytest.mark.parametrize(
    "text",
    ["", "10", "/s", "0/s", "-1/s", "1.5/s", "10/d", "10 /s", "10/s\n", "1e3/s", "٣/s", "9999999999/s"],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        Rate.parse(text)


def test_nothing_limits_a_key_without_a_rate(limiter: Limiter) -> None:
    assert limiter.take(Key("a")) is None
    assert limiter.take(Key("a"), "tool") is None
    assert limiter.take(None) is None
    assert limiter.take(None, "tool") is None


def test_a_burst_is_accepted_to_its_last_token_and_no_further(limiter: Limiter) -> None:
    key = Key("a", Rate.parse("10/s burst 25"))
    verdicts = [_take(limiter, key) for _ in range(26)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 25 + [False]
    assert [verdict.remaining for verdict in verdicts] == [*range(24, -1, -1), 0]
    assert verdicts[-1].retry_after_s == pytest.approx(0.1)
    assert verdicts[-1].reset_s == pytest.approx(2.5)
    assert verdicts[-1].limit == 25


@pytest.mark.parametrize("text", ["1/s", "3/s", "7/m", "1000/h", "999999999/s burst 1", "1/h burst 2"])
def test_a_token_comes_on_its_nanosecond_and_not_one_earlier(
    limiter: Limiter, clock: Clock, text: str
) -> None:
    rate = Rate.parse(text)
    key = Key("a", rate)
    assert _allowed(limiter, key, rate.burst if rate.burst < 2000 else 0) == rate.burst
    refused = _take(limiter, key)
    wait = -(-rate.per_s * SECOND // rate.count)
    assert not refused.allowed
    clock.now += wait - 1
    assert not _take(limiter, key).allowed
    clock.now += 1
    assert _take(limiter, key).allowed
    assert not _take(limiter, key).allowed


def test_no_more_than_the_rate_ever_gets_through(limiter: Limiter, clock: Clock) -> None:
    """However the calls fall: in each stretch of time at most the burst and what it earned."""
    chance = random.Random(5)
    rate = Rate(7, 3, 11)
    key = Key("a", rate)
    begun, passed = clock.now, 0
    for _ in range(20_000):
        clock.now += chance.choice([0, 0, 0, 1, 1000, SECOND // 9, SECOND])
        passed += _take(limiter, key).allowed
        earned = (clock.now - begun) * rate.count // (rate.per_s * SECOND)
        assert passed <= rate.burst + earned
    # and whoever always asks gets all of it
    clock.now += 1000 * SECOND
    begun, passed = clock.now, 0
    while clock.now < begun + 300 * SECOND:
        passed += _take(limiter, key).allowed
        clock.now += SECOND // 100
    assert abs(passed - (rate.burst + 300 * 7 // 3)) <= 1


def test_a_clock_that_stands_still_or_goes_back_gives_nothing(limiter: Limiter, clock: Clock) -> None:
    key = Key("a", Rate.parse("2/s"))
    assert _allowed(limiter, key, 5) == 2
    clock.now -= 300 * SECOND
    assert _allowed(limiter, key, 5) == 0
    clock.now += 300 * SECOND
    assert _allowed(limiter, key, 5) == 0
    clock.now += SECOND
    assert _allowed(limiter, key, 5) == 2


def test_a_refused_request_costs_nothing(limiter: Limiter, clock: Clock) -> None:
    key = Key("a", Rate.parse("1/s"))
    assert _allowed(limiter, key, 100) == 1
    clock.now += SECOND
    assert _take(limiter, key).allowed


def test_a_noisy_key_takes_from_no_other(limiter: Limiter) -> None:
    rate = Rate.parse("10/s")
    assert _allowed(limiter, Key("noisy", rate), 10_000) == 10
    assert _allowed(limiter, Key("quiet", rate), 10) == 10


def test_a_tools_rate_is_for_each_key_and_each_tool(limiter: Limiter) -> None:
    rate = Rate.parse("2/m")
    assert _allowed(limiter, Key("a"), 5, "one", rate) == 2
    assert _allowed(limiter, Key("a"), 5, "two", rate) == 2
    assert _allowed(limiter, Key("b"), 5, "one", rate) == 2


def test_a_call_takes_from_all_its_buckets_or_from_none(limiter: Limiter) -> None:
    key, rate = Key("a", Rate.parse("10/m")), Rate.parse("2/m")
    assert _allowed(limiter, key, 8, "one", rate) == 2
    assert _take(limiter, key).remaining == 10 - 2 - 1
    refused = _take(limiter, key, "one", rate)
    assert (refused.name, refused.limit) == ("tool", 2)
    assert _allowed(limiter, key, 100) == 7
    assert _take(limiter, key, "two", rate).name == "key"
    assert limiter.take_tool(key, "two", rate) is not None
    assert _allowed(Limiter(), key, 100, "three", rate) == 2


def test_a_key_may_have_rates_of_its_own_for_tools(limiter: Limiter) -> None:
    key = Key("a", None, ((re.compile("github_.*"), Rate.parse("3/m")),))
    assert limiter.take(key, "docs_list") is None
    assert _allowed(limiter, key, 5, "github_get") == 3
    assert _allowed(limiter, key, 5, "github_list", Rate.parse("1/m")) == 1
    verdict = limiter.take_tool(key, "github_put", None)
    assert verdict is not None
    assert verdict.remaining == 2


def test_another_rate_for_a_key_is_no_new_burst(limiter: Limiter, clock: Clock) -> None:
    assert _allowed(limiter, Key("a", Rate.parse("10/m")), 20) == 10
    assert _allowed(limiter, Key("a", Rate.parse("100/m")), 20) == 0
    clock.now += 60 * SECOND
    assert _allowed(limiter, Key("a", Rate.parse("100/m")), 200) == 100
    assert _allowed(limiter, Key("a", Rate.parse("5/m")), 20) == 0


def test_concurrent_callers_get_the_burst_between_them(limiter: Limiter) -> None:
    key = Key("a", Rate.parse("50/m"))

    async def caller() -> int:
        passed = 0
        for _ in range(20):
            passed += _take(limiter, key).allowed
            await asyncio.sleep(0)
        return passed

    async def all_of_them() -> int:
        return sum(await asyncio.gather(*(caller() for _ in range(25))))

    assert asyncio.run(all_of_them()) == 50


def test_idle_buckets_are_dropped_and_used_ones_kept(clock: Clock) -> None:
    buckets = LocalBuckets(most=100)
    limiter = Limiter(buckets, clock=clock)
    rate = Rate.parse("2/m")
    assert _allowed(limiter, Key("busy", rate), 5) == 2
    for number in range(10_000):
        _take(limiter, Key(f"k{number}", Rate.parse("1/s")))
        clock.now += SECOND // 1000
        assert len(buckets) <= 100
    assert not _take(limiter, Key("busy", rate)).allowed
    clock.now += 3600 * SECOND
    _take(limiter, Key("another", rate))
    for number in range(99):
        _take(limiter, Key(f"late{number}", rate))
    assert len(buckets) <= 100


def test_headers_tell_the_policy_what_is_left_and_when_to_come_again(limiter: Limiter, clock: Clock) -> None:
    key = Key("a", Rate.parse("30/m burst 2"))
    assert _take(limiter, key).headers() == [
        (b"ratelimit-policy", b'"key";q=30;w=60'),
        (b"ratelimit", b'"key";r=1;t=2'),
    ]
    _take(limiter, key)
    clock.now += SECOND // 2
    assert _take(limiter, key).headers() == [
        (b"ratelimit-policy", b'"key";q=30;w=60'),
        (b"ratelimit", b'"key";r=0;t=4'),
        (b"retry-after", b"2"),
    ]


@pytest.mark.parametrize(("rate", "replicas"), [("10/s", 2), ("7/m burst 5", 3), ("1/s", 4), ("600/m", 8)])
def test_replicas_together_admit_the_rate_and_at_most_one_more_each(rate: str, replicas: int) -> None:
    clock = Clock()
    parsed = Rate.parse(rate)
    limiters = [Limiter(clock=clock) for _ in range(replicas)]
    for limiter in limiters:
        limiter.share_among(replicas)

    def admitted(times: int) -> int:
        each = (limiter.take(Key("a", parsed)) for _ in range(times) for limiter in limiters)
        return sum(verdict is not None and verdict.allowed for verdict in each)

    assert parsed.burst <= admitted(10 * parsed.burst) < parsed.burst + replicas
    # And as they refill: in ten periods never more than the rate gives.
    total = 0
    for _ in range(1000):
        clock.now += parsed.per_s * 10**7
        total += admitted(2)
    assert 10 * parsed.count - replicas <= total <= 10 * parsed.count


def test_another_number_of_replicas_is_no_new_burst() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    key = Key("a", Rate.parse("10/h"))
    assert all(limiter.take(key).allowed for _ in range(9))  # type: ignore[union-attr]
    for replicas in (2, 1, 3, 1):
        limiter.share_among(replicas)
        limiter.take(key)
    assert not limiter.take(key).allowed  # type: ignore[union-attr]


def test_a_share_tells_what_all_have_together() -> None:
    limiter = Limiter(clock=Clock())
    limiter.share_among(2)
    verdict = limiter.take(Key("a", Rate.parse("10/m")))
    assert verdict is not None
    assert (verdict.limit, verdict.remaining) == (10, 8)

"""The script in a real Valkey judges buckets as the process's own memory does, and opens to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from docgen_common.rates import LocalBuckets, Rate
from docgen_orchestrator.shared_limits.leases import Answer, Ask
from docgen_orchestrator.shared_limits.store import StoreAwayError, ValkeyStore, key_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkey.asyncio import Valkey
from valkey.exceptions import AuthenticationError, NoPermissionError, ResponseError

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.planning.assemble_stack import ImageChoice
from tests.servers.orchestrator.shared_limits.ledger import Clock, Ledger
from tests.valkey_fixtures import RunningValkey, run_valkey

pytestmark = [pytest.mark.engine, pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
async def store(valkey: RunningValkey) -> AsyncIterator[ValkeyStore]:
    opened = ValkeyStore(valkey.host, valkey.port, lambda: valkey.password)
    yield opened
    await opened.close()


def client_of(valkey: RunningValkey) -> Valkey:
    """A client of the store with the rights of an orchestrator."""
    return Valkey(
        host=valkey.host,
        port=valkey.port,
        username="orchestrator",
        password=valkey.password,
        lib_name=None,
        lib_version=None,
    )


class Memory:
    """What a bucket gives, in this process's memory."""

    def __init__(self) -> None:
        self._buckets = LocalBuckets()

    async def take(self, name: str, rate: Rate, tries: int) -> int:
        found = 0
        for _ in range(tries):
            bucket = self._buckets.bucket((name, ""), rate, 1)
            if not bucket.wait_ns(1):
                bucket.take()
                found += 1
        return found


class Shared:
    """What it gives in the store."""

    def __init__(self, store: ValkeyStore) -> None:
        self._store = store

    async def take(self, name: str, rate: Rate, tries: int) -> int:
        answers = [(await self._store.count([Ask((name, ""), rate, need=1)]))[0] for _ in range(tries)]
        return sum(answer.granted for answer in answers)


@pytest.fixture(params=["memory", "store"])
def giver(request: pytest.FixtureRequest, store: ValkeyStore) -> Memory | Shared:
    return Memory() if request.param == "memory" else Shared(store)


# An hour's rate gains nothing worth mentioning while a test runs.
@pytest.mark.parametrize(
    "rate", [Rate(20, 3600, 20), Rate(3, 3600, 1), Rate(1, 3600, 30), Rate(900_000_000, 3600, 5)]
)
async def test_a_bucket_gives_its_burst_and_then_nothing(giver: Memory | Shared, rate: Rate) -> None:
    name = f"burst-{rate}-{type(giver).__name__}"
    given = await giver.take(name, rate, rate.burst + 5)
    if rate.count > 1000:  # gains a token while it is asked
        assert given >= rate.burst
    else:
        assert given == rate.burst


async def test_another_rate_is_no_new_burst(giver: Memory | Shared) -> None:
    name = f"another-{type(giver).__name__}"
    assert await giver.take(name, Rate(10, 3600, 10), 8) == 8
    assert await giver.take(name, Rate(100, 3600, 100), 20) == 2
    assert await giver.take(name, Rate(1, 60, 1), 2) == 0


async def test_one_question_judges_many_buckets_each_by_itself(store: ValkeyStore) -> None:
    rate = Rate(4, 3600, 4)
    asks = [Ask((f"many-{number}", "tool"), rate, need=number) for number in range(8)]
    answers = await store.count(asks)
    assert [answer.granted for answer in answers] == [0, 1, 2, 3, 4, 4, 4, 4]
    assert [answer.left for answer in answers] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert 899_000_000 <= answers[-1].next_us <= 900_000_000
    assert 3_599_000_000 <= answers[-1].full_us <= 3_600_000_000


async def test_tokens_for_later_are_an_eighth_of_the_rest_at_most(store: ValkeyStore) -> None:
    (answer,) = await store.count([Ask(("later", ""), Rate(100, 3600, 100), need=4, extra=60)])
    assert (answer.granted, answer.left) == (4 + 12, 84)
    (last,) = await store.count([Ask(("low", ""), Rate(7, 3600, 7), need=1, extra=5)])
    assert (last.granted, last.left) == (1, 6)


async def test_what_goes_back_is_there_again_and_no_more_than_the_burst(store: ValkeyStore) -> None:
    rate = Rate(10, 3600, 10)
    await store.count([Ask(("back", ""), rate, need=10)])
    (answer,) = await store.count([Ask(("back", ""), rate, back=4)])
    assert answer.left == 4
    (answer,) = await store.count([Ask(("back", ""), rate, back=400)])
    assert answer.left == 10


async def test_what_was_handed_out_without_the_store_is_taken_from_what_is_left(store: ValkeyStore) -> None:
    rate = Rate(10, 3600, 10)
    (answer,) = await store.count([Ask(("owed", ""), rate, need=1, owed=8)])
    assert (answer.granted, answer.left) == (1, 1)
    (answer,) = await store.count([Ask(("owed", ""), rate, owed=50)])
    assert answer.left == 0, "never less than nothing"


AMOUNTS = st.tuples(*[st.integers(0, 30)] * 4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 100), st.lists(AMOUNTS, min_size=1, max_size=12))
def test_what_unit_tests_count_in_judges_as_the_store_does(
    valkey: RunningValkey, burst: int, story: list[tuple[int, int, int, int]]
) -> None:
    # A token a day: nothing comes back while this runs.
    name = (uuid4().hex, "")
    asks = [Ask(name, Rate(1, 86_400, burst), *amounts) for amounts in story]

    async def compare() -> None:
        store, ledger = ValkeyStore(valkey.host, valkey.port, lambda: valkey.password), Ledger(Clock())
        try:
            for ask in asks:
                (real,), (own,) = await store.count([ask]), await ledger.count([ask])
                assert (real.granted, real.left) == (own.granted, own.left), ask
        finally:
            await store.close()

    asyncio.run(compare())


async def test_a_full_store_says_so_and_takes_no_bucket_away(
    engine: DockerEngine, valkey_image: ImageChoice, base_image: ImageChoice, tmp_path: Path
) -> None:
    rate, first = Rate(1, 3600, 10), ("first", "")
    small = {"limits": {"memory": "32m"}}
    with run_valkey(engine, valkey_image, base_image, tmp_path, small) as full:
        store = ValkeyStore(full.host, full.port, lambda: full.password)
        await store.count([Ask(first, rate, need=10)])
        with pytest.raises(StoreAwayError, match="OutOfMemory|OOM"):  # noqa: RUF043
            await _fill(store, rate)
        async with client_of(full) as client:
            assert await client.hmget(key_of(first), "level") == [b"0"]
        await store.close()


async def _fill(store: ValkeyStore, rate: Rate) -> None:
    for number in range(100):
        await store.count([Ask((f"key-{number}-{n}", ""), rate, need=1) for n in range(1000)])


async def test_counts_survive_a_stop_and_a_kill(store: ValkeyStore, valkey: RunningValkey) -> None:
    rate = Rate(10, 3600, 10)
    await store.count([Ask(("lasting", ""), rate, need=7)])
    await asyncio.to_thread(valkey.restart)
    (answer,) = await _again(store, Ask(("lasting", ""), rate, need=1))
    assert (answer.granted, answer.left) == (1, 2)
    await asyncio.sleep(2)  # what it says it may forget is the last second
    await asyncio.to_thread(valkey.kill)
    await asyncio.to_thread(valkey.start)
    (answer,) = await _again(store, Ask(("lasting", ""), rate, need=1))
    assert (answer.granted, answer.left) == (1, 1)


async def _again(store: ValkeyStore, ask: Ask) -> list[Answer]:
    """The first question after a restart finds out that the old connection is gone."""
    try:
        return await store.count([ask])
    except StoreAwayError:
        return await store.count([ask])


async def test_a_full_bucket_leaves_no_key(store: ValkeyStore, valkey: RunningValkey) -> None:
    name = ("fleeting", "")
    await store.count([Ask(name, Rate(1000, 1, 1000), need=50)])
    async with client_of(valkey) as client:
        async with asyncio.timeout(20):
            while any(await client.hmget(key_of(name), "level", "seen")):
                await asyncio.sleep(0.02)


async def test_a_wrong_password_and_none_open_nothing(valkey: RunningValkey) -> None:
    passwords = iter(("dgk_wrong", valkey.password))
    store = ValkeyStore(valkey.host, valkey.port, lambda: next(passwords))
    with pytest.raises(StoreAwayError, match="username-password"):
        await store.greet()
    await store.greet()  # a password that was put right is taken up
    await store.close()
    async with Valkey(host=valkey.host, port=valkey.port, lib_name=None, lib_version=None) as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("KEYS", "*"),
        ("SCRIPT", "FLUSH"),
        ("SHUTDOWN", "NOSAVE"),
        ("ACL", "LIST"),
        ("SET", "rate:x", "1"),
        ("DEL", "rate:x"),
        ("HSET", "other", "level", "1"),
        ("PUBLISH", "channel", "x"),
        ("EVAL", "return redis.call('HSET', 'other', 'a', 'b')", "0"),
        ("EVAL", "return redis.call('FLUSHALL')", "0"),
        ("REPLICAOF", "192.0.2.1", "6379"),
        ("MODULE", "LOAD", "/tmp/x.so"),
    ],
)
async def test_the_orchestrator_may_count_and_nothing_else(
    valkey: RunningValkey, command: tuple[str, ...]
) -> None:
    async with client_of(valkey) as client:
        with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission|ACL|not allowed"):
            await client.execute_command(*command)

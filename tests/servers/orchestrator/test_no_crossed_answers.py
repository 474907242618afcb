"""Thousands of calls at once: each answer is that of its own call, whatever servers and callers do meanwhile.

Attack case 74 (a caller that is gone cancels within five seconds) is driven here, too.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import (
    CLIENT_KEY,
    Process,
    Stack,
    eventually,
    key_entry,
    write_keys,
)
from tests.servers.orchestrator.raw_caller import Answer, RawCaller

pytestmark = pytest.mark.anyio

CONNECTIONS = 64
OTHER_KEY = "dgk_other-key-of-these-tests-0000000000000000000"
SIZES = (0, 0, 1, 100, 100, 1_000, 5_000, 20_000, 65_536, 300_000)
DELAYS_S = (0, 0, 0, 0.001, 0.005, 0.02)
counts = pytest.mark.parametrize(
    "calls", [pytest.param(3_000, id="3000"), pytest.param(60_000, id="60000", marks=pytest.mark.soak)]
)
pairs = pytest.mark.parametrize(
    "calls", [pytest.param(1_000, id="1000"), pytest.param(10_000, id="10000", marks=pytest.mark.soak)]
)


@pytest.fixture(scope="module")
def erratic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("erratic"))
    stack.add_erratic("red")
    stack.add_erratic("blue")
    try:
        yield stack.up()
    finally:
        stack.close()


def wish(chance: random.Random, marker: str) -> dict[str, Any]:
    """Arguments that ask for an answer of any size, lateness and form."""
    return {
        "marker": marker,
        "size": chance.choice(SIZES),
        "delay_s": chance.choice(DELAYS_S),
        "how": chance.choice(("length", "chunked", "events")),
        "close": chance.random() < 0.05,
    }


def belongs(answer: Answer, arguments: dict[str, Any], message_id: int | str, token: int | str) -> bool:
    """Whether this is, in all its parts, the answer to that call."""
    marker, _, filling = answer.text.partition(" ")
    return (
        answer.message["id"] == message_id
        and (marker, len(filling)) == (arguments["marker"], arguments["size"])
        and all(
            (note["params"]["message"], note["params"]["progressToken"]) == (marker, token)
            for note in answer.notes
        )
    )


async def together(work: list[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for coroutine in work:
            group.create_task(coroutine)


@counts
async def test_answers_reach_their_own_calls_while_callers_and_connections_come_and_go(
    erratic: Stack, calls: int
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to find again what is found
    seen: Counter[str] = Counter()

    async def connection(number: int) -> None:
        chance = random.Random(seed + number)
        async with RawCaller(erratic.orchestrator.port) as caller:
            for count in range(calls // CONNECTIONS):
                message_id, token = number * 1_000_000 + count, f"token-{number}-{count}"
                arguments = wish(chance, f"m-{number}-{count}")
                tool = chance.choice(("red_say", "blue_say"))
                if chance.random() < 0.03:
                    # Some answers come after their caller has gone: they must find nobody.
                    late = {**arguments, "delay_s": chance.choice((0, 0.02, 0.1))}
                    await caller.send(tool, late, message_id=message_id, token=token)
                    await asyncio.sleep(chance.random() * 0.04)
                    caller.drop()
                    seen["dropped"] += 1
                    continue
                answer = await caller.call(tool, arguments, message_id=message_id, token=token)
                assert belongs(answer, arguments, message_id, token), (arguments, answer.message)
                seen["answered"] += 1
                seen["notes"] += len(answer.notes)

    await together([connection(number) for number in range(CONNECTIONS)])
    assert seen["answered"] + seen["dropped"] == calls // CONNECTIONS * CONNECTIONS
    assert seen["notes"] > calls / 4
    assert seen["dropped"] > calls / 100


@pairs
async def test_two_clients_with_the_same_ids_and_tokens_each_get_their_own_answers(
    make_stack: Callable[[], Stack], calls: int
) -> None:
    stack = make_stack()
    stack.add_erratic("red")
    secrets = stack.orchestrator.folder / "secrets"
    write_keys(secrets, CLIENT_KEY, "ann", key_entry(OTHER_KEY, "bob"))
    stack.up()
    lanes = 8
    seen: Counter[str] = Counter()

    async def lane(client: str, key: str, number: int) -> None:
        chance = random.Random(number)  # both clients wish for the same, at the same time
        async with RawCaller(stack.orchestrator.port, key) as caller:
            for count in range(calls // 2 // lanes):
                message_id = number * 100_000 + count
                arguments = wish(chance, f"{client}-{number}-{count}")
                answer = await caller.call("red_say", arguments, message_id=message_id, token=message_id)
                assert belongs(answer, arguments, message_id, message_id), (arguments, answer.message)
                seen[client] += 1

    both = {"ann": CLIENT_KEY, "bob": OTHER_KEY}
    await together([lane(client, key, number) for client, key in both.items() for number in range(lanes)])
    assert seen == {"ann": calls // 2 // lanes * lanes, "bob": calls // 2 // lanes * lanes}


@pytest.mark.parametrize("count", [32, pytest.param(1_000, marks=pytest.mark.soak)])
async def test_a_caller_that_is_gone_cancels_at_the_server_within_five_seconds_case_74(
    erratic: Stack, count: int
) -> None:
    red = erratic.servers["red"]
    before = len(told(red)["gone"])
    dropped: dict[str, float] = {}

    async def leave(number: int) -> None:
        async with RawCaller(erratic.orchestrator.port) as caller:
            marker = f"leaves-{number}"
            await caller.send("red_wait", {"marker": marker}, token=1)
            await caller.first_event()
            dropped[marker] = time.time()

    for begin in range(0, count, CONNECTIONS):
        await together([leave(number) for number in range(begin, min(begin + CONNECTIONS, count))])
    await eventually(lambda: len(told(red)["gone"]) >= before + count)
    gone = {marker: at for marker, at in told(red)["gone"] if marker in dropped}
    assert gone.keys() == dropped.keys()
    slowest = max(gone[marker] - dropped[marker] for marker in dropped)
    print(f"slowest of {count} cancellations: {slowest * 1000:.0f} ms")  # noqa: T201 - as above
    assert slowest < 5


def told(server: Process) -> dict[str, Any]:
    """What an erratic server has seen."""
    found: dict[str, Any] = httpx2.get(f"http://127.0.0.1:{server.port}/seen", trust_env=False).json()
    return found

"""What happens is numbered, kept for a while, and told to listeners who keep up."""

import asyncio
import threading

import pytest
from docgen_main.events import Event, Hub, SlowListenerError, Subscription


async def taken(subscription: Subscription, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(5):
        async for event in subscription:
            found.append(event)
            if len(found) == count:
                break
    return found


def test_events_are_numbered_and_reach_a_listener_in_order() -> None:
    async def run() -> None:
        hub = Hub()
        with hub.subscribe() as listener:
            hub.publish("file.written", path="a")
            hub.publish("file.deleted", path="a")
            assert [(e.id, e.type) for e in await taken(listener, 2)] == [
                (1, "file.written"),
                (2, "file.deleted"),
            ]
        assert hub.listening == 0

    asyncio.run(run())


def test_a_listener_who_comes_back_gets_what_it_missed_or_is_told_that_it_is_gone() -> None:
    async def run() -> None:
        hub = Hub(kept=3)
        for number in range(5):
            hub.publish("file.written", path=str(number))
        with hub.subscribe(after=3) as listener:
            assert not listener.missed
            assert [e.id for e in await taken(listener, 2)] == [4, 5]
        with hub.subscribe(after=1) as late:
            assert late.missed
            assert [e.id for e in await taken(late, 3)] == [3, 4, 5]
        with hub.subscribe(after=99) as foreign:
            assert foreign.missed

    asyncio.run(run())


def test_a_listener_who_does_not_read_is_cut_off_and_nobody_waits_for_it() -> None:
    async def run() -> None:
        hub = Hub()
        slow = hub.subscribe(queued=2)
        for number in range(5):
            hub.publish("file.written", path=str(number))
        with pytest.raises(SlowListenerError):
            await taken(slow, 5)
        slow.close()

    asyncio.run(run())


def test_many_threads_publish_without_gaps_or_losses() -> None:
    async def run() -> None:
        hub = Hub()
        with hub.subscribe(queued=1_000) as listener:
            threads = [
                threading.Thread(target=lambda: [hub.publish("file.written") for _ in range(100)])
                for _ in range(5)
            ]
            for thread in threads:
                thread.start()
            assert [e.id for e in await taken(listener, 500)] == list(range(1, 501))
            for thread in threads:
                thread.join()

    asyncio.run(run())

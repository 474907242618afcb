"""A store in this process, which judges as the real one does; a test in `test_store.py` compares the two."""

import asyncio
from collections.abc import Sequence

from docgen_common.rates import BucketName
from docgen_orchestrator.shared_limits.leases import NS, Answer, Ask
from docgen_orchestrator.shared_limits.store import StoreAwayError


class Clock:
    def __init__(self) -> None:
        self.now = 1000 * NS

    def __call__(self) -> int:
        return self.now


class Ledger:
    """Buckets by the same rules as the script's, in whole numbers; it can be away."""

    def __init__(self, clock: Clock) -> None:
        self.away = False
        self.asked = 0
        self._clock = clock
        self._levels: dict[BucketName, tuple[int, int]] = {}

    async def count(self, asks: Sequence[Ask]) -> list[Answer]:
        await self.greet()
        self.asked += 1
        return [self._answer(ask) for ask in asks]

    async def greet(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreAwayError("away")

    async def close(self) -> None:
        pass

    def _answer(self, ask: Ask) -> Answer:
        rate, now = ask.rate, self._clock.now
        cost = rate.per_s * NS
        full = rate.burst * cost
        level, seen = self._levels.get(ask.name, (full, now))
        level = min(full, level + (now - seen) * rate.count + ask.back * cost)
        level = max(0, level - ask.owed * cost)
        granted = min(level // cost, ask.need)
        granted += min(ask.extra, (level // cost - granted) // 8)
        level -= granted * cost
        self._levels[ask.name] = (level, now)
        until = [max(0, -(-(wanted - level) // rate.count // 1000)) for wanted in (cost, full)]
        return Answer(granted, level // cost, *until)

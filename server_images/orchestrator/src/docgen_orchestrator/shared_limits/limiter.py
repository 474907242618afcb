"""The limiter of an orchestrator: by own buckets, by leases of a store, by shares while that is away."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns

from docgen_common.rates import (
    Limiter,
    LocalBuckets,
    NotCountedError,
    Rate,
    RatedKey,
    Verdict,
)

from docgen_orchestrator.shared_limits.counting import AGAIN_SECONDS, Counting
from docgen_orchestrator.shared_limits.leases import AskFirstError, Shares

_RETRY_AFTER_S = max(1, round(2 * AGAIN_SECONDS))


class SharedLimiter(Limiter):
    """As ``Limiter``, which it is as long as there is no store.

    With one, ``take`` may raise AskFirstError: then nothing was taken, and ``judge`` says what it would.
    ``on_uncounted`` is called for each request that is refused because it cannot be counted.
    """

    def __init__(self, *, clock: Callable[[], int] = monotonic_ns) -> None:
        self._alone = LocalBuckets()
        self._counting: Counting | None = None
        self._replicas = 1
        self._shares = Limiter(self._alone, clock=clock)
        self.on_uncounted: Callable[[], None] = _nothing
        super().__init__(self._alone, clock=clock)

    @property
    def away(self) -> str | None:
        """Why the store does not count, empty when it does; None where there is none."""
        return None if self._counting is None else self._counting.away

    def share_among(self, replicas: int) -> None:
        """As ``Limiter.share_among``; shares are in force where there is no store, and while it is away."""
        self._replicas = self._alone.replicas = replicas
        if self._counting is not None:
            self._counting.leases.replicas = replicas

    def count_in(self, counting: Counting | None) -> None:
        """From now on count there, or alone."""
        self._counting = counting
        if counting is None:
            self._store = self._alone
            return
        counting.leases.replicas = self._replicas
        self._store = counting.leases
        self._shares = Limiter(Shares(counting.leases), clock=self._clock)

    async def judge(
        self,
        key: RatedKey | None,
        tool: str | None = None,
        tool_rate: Rate | None = None,
        *,
        reads: bool = True,
    ) -> Verdict | None:
        """As ``Limiter.judge``."""
        needed = not reads and _is_rated(key, tool, tool_rate)
        return await self._judged(lambda limiter: Limiter.take(limiter, key, tool, tool_rate), needed=needed)

    async def judge_tool(
        self, key: RatedKey | None, tool: str, tool_rate: Rate | None, *, reads: bool = True
    ) -> Verdict | None:
        """As ``Limiter.judge_tool``."""
        needed = not reads and _is_rated(key, tool, tool_rate)
        return await self._judged(
            lambda limiter: Limiter.take_tool(limiter, key, tool, tool_rate), needed=needed
        )

    async def _judged(self, take: Callable[[Limiter], Verdict | None], *, needed: bool) -> Verdict | None:
        """What the store says; what the share says where that is not ``needed`` and it is away."""
        while True:
            counting = self._counting
            if counting is None or not counting.away:
                try:
                    return take(self)
                except AskFirstError as first:
                    if counting is not None:
                        await counting.ask(first.lease)
            elif not needed:
                return take(self._shares)
            elif not await counting.comes_back():
                self.on_uncounted()
                raise NotCountedError(_RETRY_AFTER_S)


def _nothing() -> None:
    """Nobody wants to know."""


def _is_rated(key: RatedKey | None, tool: str | None, tool_rate: Rate | None) -> bool:
    if tool_rate is not None:
        return True
    if key is None:
        return False
    own = tool is not None and any(pattern.fullmatch(tool) for pattern, _ in key.tool_rates)
    return own or key.rate is not None

"""Counting where ``routing.yaml`` says, while it says so."""

from __future__ import annotations

import asyncio
import contextlib

from docgen_common.errors import SettingsError
from docgen_common.metrics import Metrics
from docgen_common.settings import ServerSettings
from prometheus_client import Counter, Gauge

from docgen_orchestrator.shared_limits.counting import AGAIN_SECONDS, Counting
from docgen_orchestrator.shared_limits.limiter import SharedLimiter
from docgen_orchestrator.shared_limits.place import StorePlace
from docgen_orchestrator.shared_limits.store import ValkeyStore

_TRIES = 20


class FollowedStore:
    """Opens and closes the store of rates for a limiter."""

    def __init__(self, limiter: SharedLimiter, settings: ServerSettings) -> None:
        self._limiter = limiter
        self._settings = settings
        self._place: StorePlace | None = None
        self._running: asyncio.Task[None] | None = None

    async def use(self, place: StorePlace | None, *, at_once: bool = False) -> None:
        """Count at ``place``, or alone. Raises SettingsError when its password is not there.

        ``at_once``, from now on; else once the store has answered, or has not for ten seconds.
        """
        if place == self._place:
            return
        self.check(place)
        await self.end()
        self._place = place
        if place is None:
            return
        counting = Counting(
            ValkeyStore(place.host, place.port, lambda: self._settings.secret(place.key_secret))
        )
        if at_once:
            await counting.begin()
            self._limiter.count_in(counting)
        self._running = asyncio.create_task(self._run(counting))

    async def _run(self, counting: Counting) -> None:
        """A store that is named while requests are served may still be starting; until then, count alone."""
        try:
            for _ in range(_TRIES):
                if not counting.away:
                    break
                await counting.begin()
                if counting.away:
                    await asyncio.sleep(AGAIN_SECONDS)
        except asyncio.CancelledError:
            await counting.end()
            raise
        self._limiter.count_in(counting)
        await counting.run()

    async def end(self) -> None:
        """Count alone, and give back what is at hand."""
        self._limiter.count_in(None)
        running, self._running, self._place = self._running, None, None
        if running is not None:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    def watch(self, metrics: Metrics) -> None:
        """Let metrics tell whether the store is away, and what was refused because of that."""
        gauge = Gauge(
            "docgen_limits_store_away",
            "1 while the store of rates does not count",
            registry=metrics.registry,
        )
        gauge.set_function(lambda: 1.0 if self._limiter.away else 0.0)
        self._limiter.on_uncounted = Counter(
            "docgen_limits_refused_uncounted",
            "Requests refused because they may write, have a rate, and could not be counted",
            registry=metrics.registry,
        ).inc

    def check(self, place: StorePlace | None) -> None:
        """Raises SettingsError when the password for ``place`` is not there."""
        if place is None or self._settings.secret(place.key_secret) is not None or self._settings.loopback:
            return
        raise SettingsError(f"there is no password for the store of rates (secret {place.key_secret})")

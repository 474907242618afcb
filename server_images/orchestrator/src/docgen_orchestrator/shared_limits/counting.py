"""Asks the store, for all requests that wait and all leases that run low at once, one question at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic_ns

import structlog

from docgen_orchestrator.shared_limits.leases import NS, Lease, Leases
from docgen_orchestrator.shared_limits.store import CountingStore, StoreAwayError

_LOOK_SECONDS = 0.25
_LOOK_NS = NS // 4
_GREET_NS = NS
AGAIN_SECONDS = 0.5
"""How long after a question without an answer the store is asked whether it is back."""

PATIENCE_NS = 3 * NS // 2
"""How long after the store went away it may be that it was only started anew, and is waited for."""

_NOT_ASKED = "it was not asked yet"
_log = structlog.stdlib.get_logger("docgen.limits")


class Counting:
    """The leases of this orchestrator, and who fetches them.

    ``away`` is why the store does not count just now, empty when it does. It is away until it was greeted.
    """

    def __init__(self, store: CountingStore, *, clock: Callable[[], int] = monotonic_ns) -> None:
        self.away = _NOT_ASKED
        self._store = store
        self._clock = clock
        self._wake = asyncio.Event()
        self._here = asyncio.Event()
        self._went_at = clock()
        self.leases = Leases(self._wake.set)
        self._waiting: list[tuple[Lease, asyncio.Future[None]]] = []
        self._heard = 0
        self._looked = 0
        self._ended = False

    async def ask(self, lease: Lease) -> None:
        """Wait until the store has been asked for a token of ``lease``, or is away."""
        if self.away:
            return
        answered = asyncio.get_running_loop().create_future()
        self._waiting.append((lease, answered))
        self._wake.set()
        await answered

    async def comes_back(self) -> bool:
        """Wait while the store has only just gone; whether it is back, or not needed any more."""
        left = PATIENCE_NS - (self._clock() - self._went_at)
        if left > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / NS):
                    await self._here.wait()
        return self._here.is_set()

    async def begin(self) -> None:
        """Greet the store, and tell it what it does not know, so that what is asked next is counted.

        It may also be away.
        """
        try:
            await self._store.greet()
            if self.away:
                await self._settle(lease for lease in self.leases if lease.owed or lease.back)
        except StoreAwayError as error:
            self._went(str(error))
        else:
            self._came()

    async def run(self) -> None:
        """Ask whatever there is to ask, until cancelled; then give back what is at hand."""
        try:
            while True:
                try:
                    await self._step()
                except Exception as error:  # noqa: BLE001 - whoever waits must not wait for ever
                    _log.exception("counting failed")
                    self._went(type(error).__name__)
        finally:
            await self.end()

    async def _step(self) -> None:
        if self.away:
            await asyncio.sleep(AGAIN_SECONDS)
            await self.begin()
            return
        await self._something_to_ask()
        now = self._clock()
        if await self.ask_all():
            self._heard = now
        elif now - self._heard > _GREET_NS:
            self._heard = now
            await self.begin()

    async def _something_to_ask(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def ask_all(self) -> bool:
        """Ask whatever there is to ask now; whether there was anything."""
        waiting, self._waiting = self._waiting, []
        now = self._clock()
        needs = Counter(lease for lease, answered in waiting if not answered.done())
        leases = dict.fromkeys((*needs, *self.leases.running_low()))
        asks = {lease: lease.ask(needs[lease], now) for lease in leases}
        if now - self._looked > _LOOK_NS:  # there may be thousands, and a question for every request
            self._looked = now
            asks |= {lease: lease.give_back(now) for lease in self.leases.idle(now) if lease not in asks}
        if not asks:
            _release(waiting)
            return False
        try:
            answers = await self._store.count(list(asks.values()))
        except StoreAwayError as error:
            for lease, ask in asks.items():
                lease.unheard(ask)
            self._went(str(error))
        else:
            now = self._clock()
            for (lease, ask), answer in zip(asks.items(), answers, strict=True):
                lease.answered(ask.need, answer, now)
        finally:
            _release(waiting)
        return True

    def _went(self, reason: str) -> None:
        if not self.away or self.away == _NOT_ASKED:
            _log.error(
                "store of rates is away: shares are in force, what may write is refused", reason=reason
            )
        if not self.away:
            self._went_at = self._clock()
        self.away = reason or "it does not answer"
        self._here.clear()
        self.leases.lose()
        waiting, self._waiting = self._waiting, []
        _release(waiting)

    def _came(self) -> None:
        if self.away and not self._ended:
            self.away = ""
            self._here.set()
            _log.info("store of rates counts")

    async def end(self) -> None:
        """Give back what is at hand, if the store takes it at once."""
        self._ended, away, self.away = True, self.away, "it is not asked any more"
        self._here.set()
        waiting, self._waiting = self._waiting, []
        _release(waiting)
        try:
            if not away:
                await self._settle(lease for lease in self.leases if lease.held or lease.back or lease.owed)
        except StoreAwayError:
            pass
        finally:
            await self._store.close()

    async def _settle(self, leases: Iterable[Lease]) -> None:
        """Give back what is at hand of these, and tell what is owed. Raises StoreAwayError."""
        now = self._clock()
        told = {lease: lease.give_back(now) for lease in leases}
        try:
            if told:
                await self._store.count(list(told.values()))
        except StoreAwayError:
            for lease, ask in told.items():
                lease.unheard(ask)
            raise


def _release(waiting: list[tuple[Lease, asyncio.Future[None]]]) -> None:
    for _, answered in waiting:
        if not answered.done():
            answered.set_result(None)

"""One server behind the orchestrator: whether it can be reached, what it offers, and calls to it.

Theory of operation. A watch per server looks at it all the time: once a second while it can be reached (which
also notices a changed address and keeps one connection ready), ten times a second while it cannot. Calls
therefore fail at once while a server is down, and succeed again within about a second of its return. What it
offered is kept meanwhile, so that callers see a stable set of tools.

A call whose time is over says nothing of its server: tools may be slow, and whoever sets a short time for one
must not take the others away.

A connection that is refused is not the only way to be down. A server that was stopped takes connections and
never answers; one that runs amok answers garbage. So how real calls end is judged by a breaker, and when
calls have waited for a while and nothing was answered, the watch asks the server something itself. No
caller's call is needed to find out that it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from time import monotonic
from typing import Any

import structlog
from msgspec import Struct

from docgen_orchestrator.changes import Changes
from docgen_orchestrator.offer import OWN_META, Offer, fetch_offer
from docgen_orchestrator.resilience.breaker import Breaker
from docgen_orchestrator.resilience.bulkhead import Bulkhead
from docgen_orchestrator.routing import Route
from docgen_orchestrator.shelf import Shelf
from docgen_orchestrator.upstream import Call, OnNote, RpcError, UnavailableError, Upstream

OFFER_SECONDS = 5.0
"""How long a server's lists are served without asking it again."""

SILENT_SECONDS = 2.0
"""How long calls wait for a server that answers nothing at all until the watch asks it itself."""

PROBE_SECONDS = 2.0
"""How long a server may take to answer what the watch asks."""

_WATCH_UP_SECONDS = 1.0
_WATCH_DOWN_SECONDS = 0.1
_FIRST_OFFER_SECONDS = 2.0
_NEXT_OFFER_SECONDS = 0.5
_log = structlog.stdlib.get_logger("docgen.backend")


class DeadlineError(Exception):
    """A call was not answered within ``timeout_s``."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"no answer in {timeout_s:g} s")
        self.timeout_s = timeout_s


class Slot(Struct, eq=False):
    """The place of one call among those that a server has at once; left once, by how the call ended."""

    _backend: Backend
    _key_id: str | None
    since: float

    def leave(self, error: BaseException | None = None, *, changes: bool = False) -> None:
        """The call ended; ``changes`` says that it may have changed what the server offers."""
        self._backend.left(self, self._key_id, error, changes=changes)


class Backend:
    """A server: its route, its state, its offer."""

    def __init__(self, route: Route, upstream: Upstream, *, clock: Callable[[], float] = monotonic) -> None:
        self.route = route
        self.shelf = Shelf(route)
        self.down: str | None = None
        self.upstream = upstream
        self.breaker = Breaker()
        self.bulkhead = Bulkhead()
        self._clock = clock
        self._slots: dict[Slot, None] = {}  # in the order of their beginning
        self._answered_at = clock()
        self._offer_until = 0.0
        self._times_outdated = 0
        self._taken_after = -1
        self._fetching: asyncio.Task[None] | None = None
        self._fetches: set[asyncio.Task[None]] = set()
        self._look_now = asyncio.Event()
        self.changes = Changes(route.name, upstream, self._outdated)

    @property
    def name(self) -> str:
        """The server's name."""
        return self.route.name

    @property
    def fresh(self) -> bool:
        """Whether its offer may be served without asking it again, or it cannot be asked now."""
        return self.down is not None or self._clock() < self._offer_until

    @property
    def certain(self) -> bool:
        """Whether its offer is the one it has now, as far as it told of changes."""
        return self.down is None and self._taken_after == self._times_outdated

    @property
    def offer(self) -> Offer | None:
        """What callers may see of what it offers; None while it never told."""
        return self.shelf.offer

    @property
    def calls_in_flight(self) -> int:
        """How many calls have not ended yet."""
        return len(self._slots)

    def adopt(self, route: Route) -> None:
        """Follow another route to the same address: another policy, another deadline."""
        self.route = route
        self.shelf.follow(route)

    def inherit(self, predecessor: Backend) -> None:
        """Begin with what the server offered when it was reached another way."""
        if predecessor.shelf.told is not None:
            self.shelf.take(predecessor.shelf.told)

    def enter(self, key_id: str | None) -> Slot:
        """A place for one call.

        Raises UnavailableError, at once, while the server is known to be down, and BusyError when there is no
        room.
        """
        if self.down is not None:
            raise UnavailableError(self.down, sent=False)
        self.bulkhead.enter(key_id)
        slot = Slot(self, key_id, self._clock())
        self._slots[slot] = None
        return slot

    def left(self, slot: Slot, key_id: str | None, error: BaseException | None, *, changes: bool) -> None:
        """For ``Slot`` alone: the call ended."""
        if slot not in self._slots:
            return
        del self._slots[slot]
        self.bulkhead.leave(key_id)
        if isinstance(error, UnavailableError):
            self._noticed(error)
        elif error is None:
            self.heard()
            if changes:
                # A tool may have made a resource: whoever lists next must see it.
                self._outdated()

    def heard(self) -> None:
        """The server said something that makes sense."""
        self._answered_at = self._clock()
        self.breaker.succeeded()

    async def call(self, call: Call, on_note: OnNote, *, key_id: str | None = None) -> dict[str, Any]:
        """The result of ``call``, within its ``timeout_s`` or the server's.

        Raises RpcError, DeadlineError, BusyError, and UnavailableError: at once while the server is known to
        be down.
        """
        slot = self.enter(key_id)
        try:
            result = await self._within(call.timeout_s or self.route.timeout_s, call, on_note)
        except RpcError:
            slot.leave(changes=not call.repeatable)
            raise
        except BaseException as error:
            slot.leave(error)
            raise
        slot.leave(changes=not call.repeatable)
        return result

    async def get_ready(self) -> tuple[int, bytes]:
        """Status and body of the server's own readiness. Raises UnavailableError.

        A server that answers this is not called down any more when this returns: who is told that it is
        ready may call it at once.
        """
        answer = await self.upstream.get(self.route.ready_url)
        if self.down is not None:
            await self._try_again()
        return answer

    def events(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The data of the server's own events, for one listener. Raises UnavailableError."""
        return self.upstream.stream(url, headers)

    async def refresh(self, *, force: bool = False) -> None:
        """Have a recent offer, or the last good one: a server that is down or slow delays nobody for long."""
        if self.down is not None or (self.fresh and not force):
            return
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
            self._fetches.add(self._fetching)
            self._fetching.add_done_callback(self._fetches.discard)
        patience = _FIRST_OFFER_SECONDS if self.offer is None else _NEXT_OFFER_SECONDS
        # Not cancelled when patience ends: it serves those who come later.
        await asyncio.wait({self._fetching}, timeout=patience)

    async def watch(self) -> None:
        """Look after the server until cancelled."""
        while True:
            await self._look()
            self._look_now.clear()
            pause = _WATCH_UP_SECONDS if self.down is None else _WATCH_DOWN_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        """Let go of its connections."""
        for fetch in self._fetches:
            fetch.cancel()
        self.upstream.close()

    async def _within(self, timeout_s: float, call: Call, on_note: OnNote) -> dict[str, Any]:
        async def heard_note(method: str, params: Mapping[str, Any]) -> None:
            self._answered_at = self._clock()
            await on_note(method, params)

        try:
            async with asyncio.timeout(timeout_s) as deadline:
                return await self.upstream.request(call, heard_note)
        except TimeoutError:
            if deadline.expired():
                raise DeadlineError(timeout_s) from None
            raise

    def _outdated(self) -> None:
        """Its lists changed: whoever asks next must see it."""
        self._offer_until = 0.0
        self._times_outdated += 1
        self._fetching = None  # what is on its way may be from before

    async def _look(self) -> None:
        if self.down is not None:
            if self.breaker.probe_due(self._clock()):
                await self._try_again()
            return
        try:
            await self.upstream.verify()
            if self._silent():
                await self._probe()
        except UnavailableError as error:
            self._set_down(error.reason)
            return
        if self.offer is None:
            await self.refresh()

    async def _try_again(self) -> None:
        """Ask a server that is down; back it is when it answers."""
        try:
            await self.upstream.verify()
            await self._probe()
        except UnavailableError:
            self.breaker.probed(answered=False, now=self._clock())
            return
        self.breaker.probed(answered=True, now=self._clock())
        self.down = None
        _log.info("server is back", backend=self.name)
        self._offer_until = 0.0
        await self.refresh()

    async def _probe(self) -> None:
        """Ask something harmless that every server knows. Raises UnavailableError for no sensible answer."""
        question = Call("server/discover", {"_meta": OWN_META}, repeatable=True)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self.upstream.request(question, _ignore)
        except TimeoutError:
            raise UnavailableError("it takes connections and does not answer", sent=True) from None
        except RpcError:
            pass  # an error is an answer
        self._answered_at = self._clock()

    def _silent(self) -> bool:
        """Whether calls wait and none of them, nor any other, was answered for a while."""
        oldest = next(iter(self._slots), None)
        if oldest is None:
            return False
        return self._clock() - max(oldest.since, self._answered_at) > SILENT_SECONDS

    def _noticed(self, error: UnavailableError) -> None:
        """A call broke: believe a failed connection at once, and look at the server now in any case."""
        if not error.sent:
            self._set_down(error.reason)
        else:
            self._failed(error.reason)
        self._look_now.set()

    def _failed(self, reason: str) -> None:
        if self.breaker.failed(self._clock()):
            self._say_down(reason)
            self._look_now.set()

    def _set_down(self, reason: str) -> None:
        if self.down is None:
            self.breaker.trip(self._clock())
            self._say_down(reason)
        self.down = reason

    def _say_down(self, reason: str) -> None:
        _log.warning("server cannot be reached", backend=self.name, reason=reason)
        self.down = reason

    async def _fetch(self) -> None:
        times_outdated = self._times_outdated
        try:
            async with asyncio.timeout(self.route.timeout_s):
                offer = await fetch_offer(self.upstream)
            if times_outdated == self._times_outdated:
                self.shelf.take(offer)
                self._taken_after = times_outdated
                self._offer_until = self._clock() + OFFER_SECONDS
            elif self.offer is None:
                self.shelf.take(offer)
        except (UnavailableError, RpcError, TimeoutError) as error:
            _log.warning("lists kept", backend=self.name, reason=str(error) or "no answer in time")
            self._offer_until = self._clock() + (_WATCH_UP_SECONDS if self.offer else 0.0)
            if isinstance(error, UnavailableError):
                self._noticed(error)


async def _ignore(_: str, __: Mapping[str, Any]) -> None:
    """Nothing that a probe is told matters."""

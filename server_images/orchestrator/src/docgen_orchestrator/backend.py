"""One server behind the orchestrator: whether it can be reached, what it offers, and calls to it.

A watch per server looks at it all the time: once a second while it can be reached (which also notices a
changed address and keeps one connection ready), and several times a second while it cannot. Calls therefore
fail at once while a server is down, and succeed again within about a second of its return. What a server
offered is kept while it is down, so that callers see a stable set of tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from time import monotonic
from typing import Any

import structlog

from docgen_orchestrator.changes import Changes
from docgen_orchestrator.offer import Offer, fetch_offer
from docgen_orchestrator.routing import Route
from docgen_orchestrator.shaped import shaped
from docgen_orchestrator.upstream import Call, OnNote, RpcError, UnavailableError, Upstream

OFFER_SECONDS = 5.0
"""How long a server's lists are served without asking it again."""

_WATCH_UP_SECONDS = 1.0
_WATCH_DOWN_SECONDS = 0.1
_FIRST_OFFER_SECONDS = 2.0
_NEXT_OFFER_SECONDS = 0.5
_log = structlog.stdlib.get_logger("docgen.backend")


class DeadlineError(Exception):
    """A call was not answered within its ``timeout_s``, in seconds."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"no answer within {timeout_s:g} s")
        self.timeout_s = timeout_s


class Backend:
    """A server: its route, its state, its offer."""

    def __init__(self, route: Route, upstream: Upstream, *, clock: Callable[[], float] = monotonic) -> None:
        self.route = route
        self.offer: Offer | None = None
        self._told: Offer | None = None
        self.down: str | None = None
        self._upstream = upstream
        self._clock = clock
        self._offer_until = 0.0
        self._times_outdated = 0
        self._fetching: asyncio.Task[None] | None = None
        self._fetches: set[asyncio.Task[None]] = set()
        self._look_now = asyncio.Event()
        self.changes = Changes(route.name, upstream, self._outdated)

    @property
    def name(self) -> str:
        """The server's name."""
        return self.route.name

    async def call(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        """The result of ``call``.

        Raises RpcError, DeadlineError, and UnavailableError: at once while the server is known to be down.
        """
        if self.down is not None:
            raise UnavailableError(self.down, sent=False)
        timeout_s = call.timeout_s or self.route.timeout_s
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                result = await self._upstream.request(call, on_note)
        except TimeoutError:
            if deadline.expired():
                raise DeadlineError(timeout_s) from None
            raise
        except UnavailableError as error:
            self._noticed(error)
            raise
        if not call.repeatable:
            # A tool may have made a resource: whoever lists next must see it.
            self._outdated()
        return result

    async def get_ready(self) -> tuple[int, bytes]:
        """Status and body of the server's own readiness. Raises UnavailableError.

        A server that answers this is not called down any more when this returns: who is told that it is
        ready may call it at once.
        """
        answer = await self._upstream.get(self.route.ready_url)
        if self.down is not None:
            await self._look()
        return answer

    def events(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The data of the server's own events, for one listener. Raises UnavailableError."""
        return self._upstream.stream(url, headers)

    async def refresh(self, *, force: bool = False) -> None:
        """Have a recent offer, or the last good one: a server that is down or slow delays nobody for long."""
        if self._clock() < self._offer_until and not force:
            return
        if self.down is not None:
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
        self._upstream.close()

    def _outdated(self) -> None:
        """Its lists changed: whoever asks next must see it."""
        self._offer_until = 0.0
        self._times_outdated += 1
        self._fetching = None  # what is on its way may be from before

    async def _look(self) -> None:
        was_down = self.down
        try:
            await self._upstream.verify()
        except UnavailableError as error:
            self._set_down(error.reason)
            return
        self.down = None
        if was_down is not None:
            _log.info("server is back", backend=self.name)
            self._offer_until = 0.0
        if was_down is not None or self.offer is None:
            await self.refresh()

    def _noticed(self, error: UnavailableError) -> None:
        """A call failed: believe a failed connection at once, and look at the server now in any case."""
        if not error.sent:
            self._set_down(error.reason)
        self._look_now.set()

    def _set_down(self, reason: str) -> None:
        if self.down is None:
            _log.warning("server cannot be reached", backend=self.name, reason=reason)
        self.down = reason

    async def _fetch(self) -> None:
        times_outdated = self._times_outdated
        try:
            async with asyncio.timeout(self.route.timeout_s):
                offer = await fetch_offer(self._upstream)
            if times_outdated == self._times_outdated:
                self._take(offer)
                self._offer_until = self._clock() + OFFER_SECONDS
            elif self.offer is None:
                self._take(offer)
        except (UnavailableError, RpcError, TimeoutError) as error:
            _log.warning("lists kept", backend=self.name, reason=str(error) or "no answer in time")
            self._offer_until = self._clock() + (_WATCH_UP_SECONDS if self.offer else 0.0)
            if isinstance(error, UnavailableError):
                self._noticed(error)

    def _take(self, told: Offer) -> None:
        """Offer what the server told, after its policy; the same object as before when it told the same."""
        if told != self._told:
            self._told = told
            self.offer = shaped(told, self.route.tools)

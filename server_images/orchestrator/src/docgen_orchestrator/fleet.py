"""The servers behind the orchestrator, which come, change and go while it serves.

Theory of operation. ``replace`` compares the wanted routes with the servers that are there. One that is new
is connected; one whose route changed only in policy keeps its connections and shapes its offer anew; one that
is reached another way, or with another key, is replaced by another object, which begins with what the old one
offered. All of this is prepared before anything is switched, so a mistake (a key that is not there yet)
changes nothing. The switch is one assignment: ``backends`` is another tuple then. Servers that left are
watched until their last call has ended, and then let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from mcp.server.subscriptions import ServerEvent

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.changes import LISTS
from docgen_orchestrator.definitions import Definitions
from docgen_orchestrator.routing import Route
from docgen_orchestrator.view import View

_DRAIN_LOOK_SECONDS = 0.05
_log = structlog.stdlib.get_logger("docgen.fleet")


@dataclass
class _Member:
    """One server, what it is reached by, and the tasks that look after it."""

    backend: Backend
    reached_by: Hashable
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        for work in (self.backend.watch(), self.backend.changes.run()):
            self.tasks.append(asyncio.create_task(work))

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.backend.close()


class Fleet:
    """All servers, sorted by name.

    ``connect`` makes a server of a route, ``reached_by`` tells what it is reached by; either raises
    SettingsError for a route that cannot be used. ``views`` are told what changes at servers.
    """

    def __init__(self, connect: Callable[[Route], Backend], reached_by: Callable[[Route], Hashable]) -> None:
        self.backends: Sequence[Backend] = ()
        self.views: list[View] = []
        self._definitions = Definitions()
        self._connect = connect
        self._reached_by = reached_by
        self._members: dict[str, _Member] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._running = False
        self._changed: dict[str, set[ServerEvent]] = {}
        self._look_again = asyncio.Event()

    def find(self, name: str) -> Backend | None:
        """The server of that name."""
        member = self._members.get(name)
        return member.backend if member else None

    def replace(self, routes: Sequence[Route]) -> None:
        """Have the servers of these routes and no others. Raises SettingsError; nothing has changed then."""
        before = self._members
        members = {route.name: self._member(route) for route in routes}
        self._members = dict(sorted(members.items()))
        for route in routes:
            self._members[route.name].backend.adopt(route)
        self.backends = tuple(member.backend for member in self._members.values())
        if self._running:
            self._moved([member for name, member in before.items() if members.get(name) is not member])

    def compare(self, definitions: Definitions) -> None:
        """Compare what servers offer with these definitions from now on."""
        self._definitions = definitions
        for backend in self.backends:
            backend.shelf.compare(definitions.of(backend.name))
        if self._running:
            self._later(self._tell_all())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the servers meanwhile."""
        self._running = True
        for member in self._members.values():
            member.begin()
        self._later(self._tell_narrow())
        try:
            yield
        finally:
            self._running = False
            for task in self._leaving:
                task.cancel()
            await asyncio.gather(*self._leaving, return_exceptions=True)
            await asyncio.gather(*(member.end() for member in self._members.values()))

    def _member(self, route: Route) -> _Member:
        reached_by = self._reached_by(route)
        old = self._members.get(route.name)
        if old is not None and old.reached_by == reached_by:
            return old
        backend = self._connect(route)
        backend.shelf.compare(self._definitions.of(route.name))
        if old is not None:
            backend.inherit(old.backend)

        async def hear(event: ServerEvent) -> None:
            await self._tell(backend, event)

        backend.changes.hearers.append(hear)
        return _Member(backend, reached_by)

    def _moved(self, left: Sequence[_Member]) -> None:
        """Begin to look after who came, let go of who left, and let listeners look again."""
        for member in self._members.values():
            if not member.tasks:
                member.begin()
                _log.info("server joined", backend=member.backend.name)
        for member in left:
            _log.info("server leaves", backend=member.backend.name)
            self._later(self._let_go(member))
        self._later(self._tell_all())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _let_go(self, member: _Member) -> None:
        """Close a server's connections once its last call has ended; each call has its deadline."""
        try:
            while member.backend.calls_in_flight:
                await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        finally:
            await member.end()
            _log.info("server left", backend=member.backend.name)

    async def _tell_all(self) -> None:
        """Every list may have changed: also those of servers that just joined, once they told them."""
        await asyncio.gather(*(backend.refresh() for backend in self.backends))
        for view in tuple(self.views):
            for backend in view.backends[:1]:
                for event in LISTS:
                    await view.tell(backend, event)
        for backend in self.backends:
            self._note(backend.name, *LISTS)

    async def _tell(self, backend: Backend, event: ServerEvent) -> None:
        for view in tuple(self.views):
            await view.tell(backend, event)
        if event in LISTS:
            self._note(backend.name, event)

    def _note(self, server: str, *lists: ServerEvent) -> None:
        """These lists of a server may have changed."""
        self._changed.setdefault(server, set()).update(lists)
        self._look_again.set()

    async def _tell_narrow(self) -> None:
        """Tell keys that do not give everything of what changed for them, once the new lists are here."""
        while True:
            await self._look_again.wait()
            self._look_again.clear()
            changed, self._changed = self._changed, {}
            if not any(view.has_narrow_listeners for view in self.views):
                continue
            known = {backend.name: backend for backend in self.backends}
            await asyncio.gather(*(known[name].refresh() for name in changed.keys() & known.keys()))
            unsure = {
                name: lists for name, lists in changed.items() if name in known and not known[name].certain
            }
            for view in tuple(self.views):
                view.look_again(unsure)

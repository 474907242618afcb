"""Ends what takes too long, by looking ten times a second instead of setting a timer for each request.

The look itself is a measure: when it comes late, the process has more to do than it can, and ``overloaded``
says so until it is on time again.
"""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol, TypeVar

LOOK_EVERY_S = 0.1
LATE_S = 0.5
"""How late a look may be before the process counts as overloaded."""


class Expiring(Protocol):
    """Something with an end."""

    deadline: float

    def expire(self) -> None:
        """Its time is over."""


ExpiringT = TypeVar("ExpiringT", bound=Expiring)


class Deadlines(Generic[ExpiringT]):
    """What is under way, by when it must have ended (the event loop's clock, seconds)."""

    def __init__(self) -> None:
        self.running: set[ExpiringT] = set()
        self.overloaded = False

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_EVERY_S
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = loop.time()
            self.overloaded = now - due > LATE_S
            due = now + LOOK_EVERY_S
            self.look(now)

    def look(self, now: float) -> None:
        """End everything whose deadline is over."""
        for one in [one for one in self.running if one.deadline <= now]:
            self.running.discard(one)
            one.expire()

"""Calls that are under way when their key is revoked, or expires, end with it.

All of them are looked at twice a second, which costs less than keeping a list of each call's key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from docgen_common.keys import ApiKey, KeyRing

_LOOK_EVERY_S = 0.5


class Keyed(Protocol):
    """Something that goes on for as long as its key is in force."""

    @property
    def key(self) -> ApiKey | None:
        """The key it was begun with; None where keys are not asked for."""

    def break_off(self) -> None:
        """Close the caller's connection, which ends it."""


class Revoking:
    """Breaks off those of ``running`` whose keys ``ring`` accepts no longer."""

    def __init__(self, ring: KeyRing, running: Collection[Keyed]) -> None:
        self._ring = ring
        self._running = running

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._running:
                self._ring.refresh()
                self.look()

    def look(self) -> None:
        """Break off what has lost its key."""
        for one in [one for one in self._running if one.key and not self._ring.accepts(one.key)]:
            one.break_off()

"""What is open under a key ends when the key does: streams most of all, which would outlive it by an hour.

While requests are open, their keys are looked at twice a second; without any, nothing runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from docgen_common.keys import ApiKey, KeyRing

_LOOK_EVERY_S = 0.5


class OpenRequest:
    """One request and what breaks it off; ``cut`` once that was done, since its key is no longer in force."""

    __slots__ = ("break_off", "cut", "key")

    def __init__(self, key: ApiKey, break_off: Callable[[], object]) -> None:
        self.key = key
        self.break_off = break_off
        self.cut = False


class OpenRequests:
    """The requests that are being served; breaks off those whose keys ``ring`` accepts no longer."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._open: set[OpenRequest] = set()
        self._looking = False

    def begin(self, key: ApiKey, break_off: Callable[[], object]) -> OpenRequest:
        """Look after a request until ``end``."""
        request = OpenRequest(key, break_off)
        self._open.add(request)
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)
        return request

    def end(self, request: OpenRequest) -> None:
        """The request was served."""
        self._open.discard(request)

    def _look(self) -> None:
        self._ring.refresh()
        for request in [one for one in self._open if not one.cut and not self._ring.accepts(one.key)]:
            request.cut = True
            request.break_off()
        self._looking = bool(self._open)
        if self._looking:
            asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)

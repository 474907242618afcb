"""What is open under a key ends when the key does: streams most of all, which would outlive it by an hour.

While requests are open, their keys are looked at twice a second; without any, nothing runs.
"""

from __future__ import annotations

import asyncio

from docgen_common.keys import ApiKey, KeyRing

_LOOK_EVERY_S = 0.5


class OpenRequest:
    """One request and the task that serves it; ``cut`` once its key is no longer in force."""

    __slots__ = ("cut", "key", "task")

    def __init__(self, key: ApiKey, task: asyncio.Task[object] | None) -> None:
        self.key = key
        self.task = task
        self.cut = False


class OpenRequests:
    """The requests that are being served; cancels those whose keys ``ring`` accepts no longer."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._open: set[OpenRequest] = set()
        self._looking = False

    def begin(self, key: ApiKey) -> OpenRequest:
        """Look after a request of the current task until ``end``."""
        request = OpenRequest(key, asyncio.current_task())
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
        for request in self._open:
            if not request.cut and not self._ring.accepts(request.key):
                request.cut = True
                if request.task is not None:
                    request.task.cancel()
        self._looking = bool(self._open)
        if self._looking:
            asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)

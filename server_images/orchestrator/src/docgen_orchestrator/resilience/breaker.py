"""When calls to a server are not even tried, and when they are tried again.

Theory of operation. Closed, it looks at the last calls: several failures in a row, or a bad share of many,
open it. Open, no caller's call goes through; the one who watches the server sends a request of its own when
``probe_due`` says so, and nobody's call is the guinea pig. A probe that is answered puts it on probation:
calls go through, the first success closes it, the first failure opens it again, and each time that happens
the next probe comes later, up to ``LONGEST_PAUSE_S``. So a server that answers probes but no calls is not
hammered, and one that was merely slow is back with the first probe.
"""

from __future__ import annotations

from collections import deque

IN_A_ROW = 5
"""Failures one after the other that open it."""

LOOKED_AT = 20
"""How many of the last calls count."""

SHARE = 0.5
"""The share of failures among at least half of ``LOOKED_AT`` calls that opens it."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
"""Between two probes, in seconds: at first, and at most."""


class Breaker:
    """Judges one server by how calls to it end; times are seconds on any clock that never goes back."""

    def __init__(self) -> None:
        self.open = False
        self._on_probation = False
        self._relapses = 0
        self._ends: deque[bool] = deque(maxlen=LOOKED_AT)
        self._in_a_row = 0
        self._probe_at = 0.0

    def succeeded(self) -> None:
        """A call was answered, be it with an error: the server is there."""
        if self._in_a_row or self._on_probation:
            self._in_a_row = 0
            self._on_probation = False
            self._relapses = 0
        self._ends.append(True)

    def failed(self, now: float) -> bool:
        """A call broke, or was not answered in time; returns whether this opened it."""
        self._ends.append(False)
        self._in_a_row += 1
        if self.open or not (self._on_probation or self._in_a_row >= IN_A_ROW or self._mostly_bad()):
            return False
        self.trip(now)
        return True

    def trip(self, now: float) -> None:
        """Open: no call goes through until a probe was answered."""
        self._relapses = self._relapses + 1 if self._on_probation else 0
        self._on_probation = False
        self.open = True
        self._probe_at = now + (self._pause_s() if self._relapses else 0.0)

    def probe_due(self, now: float) -> bool:
        """Whether it is open and time for a probe."""
        return self.open and now >= self._probe_at

    def probed(self, answered: bool, now: float) -> None:
        """A probe came to its end."""
        if not answered:
            self._probe_at = now + SHORTEST_PAUSE_S
            return
        self.open = False
        self._on_probation = True
        self._in_a_row = 0
        self._ends.clear()

    def _mostly_bad(self) -> bool:
        enough = len(self._ends) >= LOOKED_AT // 2
        return enough and self._ends.count(False) >= SHARE * len(self._ends)

    def _pause_s(self) -> float:
        return min(SHORTEST_PAUSE_S * 2.0**self._relapses, LONGEST_PAUSE_S)

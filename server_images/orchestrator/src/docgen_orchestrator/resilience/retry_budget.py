"""How many requests may be sent twice: a share of all, so that retries cannot become a flood."""

from __future__ import annotations

SHARE = 0.1
"""One retry for ten requests."""

RESERVE = 10.0
"""Retries saved up at most, and there at the beginning."""


class RetryBudget:
    """Every request puts a little in, every retry takes one out."""

    def __init__(self) -> None:
        self._left = RESERVE

    def sent(self) -> None:
        """A request was sent for the first time."""
        if self._left < RESERVE:
            self._left = min(RESERVE, self._left + SHARE)

    def take(self) -> bool:
        """Whether a request may be sent once more."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

"""How many calls to one server run at once, and how many of them one caller may have."""

from __future__ import annotations

MOST = 128
"""Calls to one server at once."""

SHARE_OF_ONE = 0.75
"""The share of them that one key may have, so that there is room for another's call."""


class BusyError(Exception):
    """There is no room for one more call; the message says whose limit it is.

    ``own`` tells that the caller's own calls fill its share.
    """

    def __init__(self, message: str, *, own: bool) -> None:
        super().__init__(message)
        self.own = own


class Bulkhead:
    """Counts calls to one server, by the key they are for.

    What does not fit is refused at once, not queued: a queue would only make calls slow before they fail.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.most_of_one = max(1, int(most * SHARE_OF_ONE))
        self.inside = 0
        self._by_key: dict[str | None, int] = {}

    def enter(self, key_id: str | None) -> None:
        """Count one more call. Raises BusyError."""
        if self.inside >= self.most:
            raise BusyError(f"{self.most} calls are running there", own=False)
        own = self._by_key.get(key_id, 0)
        if own >= self.most_of_one:
            raise BusyError(f"{own} calls of this key are running there", own=True)
        self.inside += 1
        self._by_key[key_id] = own + 1

    def leave(self, key_id: str | None) -> None:
        """One call that had entered ended."""
        self.inside -= 1
        left = self._by_key[key_id] - 1
        if left:
            self._by_key[key_id] = left
        else:
            del self._by_key[key_id]

"""Memory that many requests take together, counted, so that all of them at once cannot end the process."""

from __future__ import annotations


class Room:
    """So many bytes, of which whoever needs some takes them and gives them back."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, more: int) -> bool:
        """Take ``more`` bytes, or give some back; False, and nothing changes, when so many are not left."""
        if more > 0 and self.taken + more > self.most:
            return False
        self.taken += more
        return True


class Share:
    """What one request has of a room: all beyond the first ``free`` bytes that it keeps."""

    def __init__(self, room: Room, free: int) -> None:
        self._room = room
        self._free = free
        self._taken = 0

    def keep(self, size: int) -> bool:
        """From now on ``size`` bytes are kept; False, and nothing changes, when there is no room for them."""
        if size <= self._free and not self._taken:
            return True
        taken = max(size - self._free, 0)
        if not self._room.take(taken - self._taken):
            return False
        self._taken = taken
        return True

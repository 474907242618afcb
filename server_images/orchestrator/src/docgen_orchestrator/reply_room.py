"""How much of replies is kept in memory at once, by all calls together.

A reply has to be whole before it can be answered, so a server that sends a hundred large ones at once would
end this process, and with it the calls to all other servers. What one reply keeps beyond ``FREE_BYTES`` is
therefore taken from one room for the whole process; the call whose reply no longer fits fails.
"""

from __future__ import annotations

MAX_REPLY_BYTES = 64 * 1024 * 1024
"""The largest single message taken from a server, and what all large ones may keep together.

The answer that is made of a reply takes about as much again two or three times over, for a moment.
"""

FREE_BYTES = 1024 * 1024
"""What each reply may keep without asking."""


class ReplyRoom:
    """The room of one process."""

    def __init__(self, most: int = MAX_REPLY_BYTES) -> None:
        self.most = most
        self.taken = 0

    def take(self, more: int) -> bool:
        """Take ``more`` bytes, or give some back; False, and nothing changes, when so many are not left."""
        if more > 0 and self.taken + more > self.most:
            return False
        self.taken += more
        return True


SHARED = ReplyRoom()
"""The room of this process: there is one memory that all calls share."""

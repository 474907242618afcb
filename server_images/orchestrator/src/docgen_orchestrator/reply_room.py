"""How much of replies is kept in memory at once, by all calls together.

A reply has to be whole before it can be answered, so a server that sends a hundred large ones at once would
end this process, and with it the calls to all other servers. What one reply keeps beyond ``FREE_BYTES`` is
therefore taken from one room for the whole process; the call whose reply no longer fits fails.
"""

from __future__ import annotations

from docgen_common.room import Room

MAX_REPLY_BYTES = 64 * 1024 * 1024
"""The largest single message taken from a server, and what all large ones may keep together.

The answer that is made of a reply takes about as much again two or three times over, for a moment.
"""

FREE_BYTES = 1024 * 1024
"""What each reply may keep without asking."""

SHARED = Room(MAX_REPLY_BYTES)
"""The room of this process: there is one memory that all calls share."""

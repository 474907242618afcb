"""Who holds a project's lock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOwner:
    """What the owner wrote down about itself; `since` is RFC 3339 in UTC, `change` its entry in the history.

    Fields are empty (and `pid` 0) for an owner that has not written anything yet.
    """

    pid: int = 0
    user: str = ""
    host: str = ""
    command: str = ""
    since: str = ""
    change: str = ""

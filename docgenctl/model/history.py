"""What was done to a stack, one entry a command that changed it or tried to."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How a command ended.

    `UNKNOWN`: its end was never written down, so it was killed, or the machine went down.
    """

    DONE = "done"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One command: who ran what, when, and how it ended.

    `started` is RFC 3339 in UTC; `arguments` is the command line without secrets; `exit_code` and
    `duration_s` are None while it runs and when its end is unknown; `error_code` is empty unless it failed.
    """

    id: str
    command: str
    arguments: tuple[str, ...]
    started: str
    user: str
    host: str
    pid: int
    tool_version: str
    result: Result
    exit_code: int | None = None
    error_code: str = ""
    duration_s: float | None = None

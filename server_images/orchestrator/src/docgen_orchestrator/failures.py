"""What callers are told when a server did not answer: one wording for every path that a call can take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from docgen_orchestrator.backend import DeadlineError
from docgen_orchestrator.resilience.bulkhead import BusyError
from docgen_orchestrator.upstream import UnavailableError

UNAVAILABLE = -32010
"""JSON-RPC error: the server that this is for cannot be reached, or broke off."""

TIMED_OUT = -32011
"""JSON-RPC error: the server did not answer within its time."""

BUSY = -32012
"""JSON-RPC error: as many calls as may run at once are running already; try again."""

RETRY_AFTER_S = 1
"""When to try again after BUSY, in seconds."""

Failed = UnavailableError | DeadlineError | BusyError
FAILED = (UnavailableError, DeadlineError, BusyError)
"""What can come instead of a server's own answer."""


@dataclass(frozen=True)
class Failure:
    """A JSON-RPC error, and the HTTP status that a raw answer has with it."""

    code: int
    message: str
    status: int = 200
    data: dict[str, Any] = field(default_factory=dict)


def failure_of(server: str, error: Failed) -> Failure:
    """The error of a call to ``server`` that ended with ``error``."""
    data: dict[str, Any] = {"server": server}
    if isinstance(error, UnavailableError):
        doubt = " It may have got the request." if error.sent else ""
        return Failure(
            UNAVAILABLE, f"The server {server} is not available: {error.reason}.{doubt}", data=data
        )
    if isinstance(error, DeadlineError):
        message = f"The server {server} did not answer within {error.timeout_s:g} s"
        return Failure(TIMED_OUT, message, data=data)
    message = f"The server {server} is busy: {error}. Try again in a moment."
    data["retryAfterSeconds"] = RETRY_AFTER_S
    return Failure(BUSY, message, 429 if error.own else 503, data)

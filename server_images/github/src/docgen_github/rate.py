"""GitHub's rate limits: what they said last, and how long they ask to wait.

The rules are those of "Rate limits for the REST API": wait for `Retry-After`; else, with no requests
remaining, until `X-RateLimit-Reset`; else at least a minute. Asking on while limited may cost the token, so
a limit that was not waited out is remembered and later calls fail without a request.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longest wait believed, in seconds: GitHub's windows are one hour.
LONGEST = 3600.0
#: Wait when a limit is named without a time.
UNNAMED = 60.0


@dataclass(frozen=True)
class RateSeen:
    """The counters of the last answer."""

    limit: int
    remaining: int
    reset: datetime


def seconds_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until GitHub wants to be asked again; None when no header says. `now` is Unix time."""
    after = headers.get("retry-after", "").strip()
    if after.isdecimal():
        return min(float(after), LONGEST)
    if after:
        try:
            return _bounded(parsedate_to_datetime(after).timestamp() - now)
        except (ValueError, OverflowError):
            return UNNAMED
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining", "").strip() == "0" and reset.isdecimal():
        return _bounded(float(reset) - now)
    return None


def limit_wait(status: int, headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """Seconds to wait when the answer is a rate limit, primary or secondary; None when it is not."""
    named = seconds_to_wait(headers, now)
    limited = status == 429 or (status == 403 and (named is not None or b"rate limit" in body[:2000].lower()))
    return (UNNAMED if named is None else named) if limited else None


class RateMemory:
    """What the client knows of the limit: the last counters, and until when it must not ask."""

    def __init__(self) -> None:
        self.seen: RateSeen | None = None
        self._until: dict[str, float] = {}

    def note(self, headers: Mapping[str, str]) -> None:
        """Remember the counters of an answer, if it has them."""
        values = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        if all(value.isdecimal() and len(value) < 13 for value in values):
            limit, remaining, reset = (int(value) for value in values)
            self.seen = RateSeen(limit, remaining, datetime.fromtimestamp(min(reset, 2**33), UTC))

    def block(self, identity: str, seconds: float) -> None:
        """Let this token rest; a new token starts fresh."""
        self._until = {identity: time.monotonic() + seconds}

    def blocked_for(self, identity: str) -> float:
        """Seconds this token still has to rest; 0 when it may ask."""
        return max(0.0, self._until.get(identity, 0.0) - time.monotonic())


def when(seconds: float) -> str:
    """A wait as people and models read it: `2026-11-22T17:05:00Z (in 37 s)`."""
    at = datetime.fromtimestamp(math.ceil(time.time() + seconds), UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ} (in {math.ceil(seconds)} s)"


def _bounded(seconds: float) -> float:
    # one second more: GitHub's clock and ours round differently
    return min(max(seconds, 0.0) + 1.0, LONGEST)

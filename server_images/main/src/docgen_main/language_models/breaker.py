"""A breaker for each provider: who failed several times in a row is left alone for a while."""

import time
from collections.abc import Callable

FAILURES = 3
REST_S = 30.0


class Breaker:
    """Closed, open, or trying: after the rest one request goes through and decides."""

    def __init__(
        self, *, failures: int = FAILURES, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failed = 0
        self._open_until = 0.0
        self._trying = False
        self.reason = ""

    @property
    def rests_s(self) -> float:
        """Seconds until it may be asked again; 0 when it may."""
        return max(0.0, self._open_until - self._clock())

    def admit(self) -> bool:
        """Whether a request may go now; tell `succeeded`, `failed` or `abandoned` what came of it."""
        if self.rests_s or self._trying:
            return False
        self._trying = self._failed >= self._most
        return True

    def succeeded(self) -> None:
        """The provider did it."""
        self._failed, self._trying, self.reason = 0, False, ""

    def failed(self, reason: str) -> None:
        """The provider did not do it, and it was its fault."""
        self._failed += 1
        self._trying = False
        self.reason = reason
        if self._failed >= self._most:
            self._open_until = max(self._open_until, self._clock() + self._rest_s)

    def abandoned(self) -> None:
        """The request ended without telling anything about the provider."""
        self._trying = False

    def rest(self, seconds: float, reason: str) -> None:
        """The provider asked not to be asked for so long."""
        self.reason = reason
        self._open_until = max(self._open_until, self._clock() + seconds)

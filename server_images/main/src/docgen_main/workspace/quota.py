"""How much this server may write: bytes and names, counted once and then kept up to date.

Theory of operation. A quota knows how to measure what is there, which costs a look at each file, and keeps
the last result. Its own changes adjust the result; it is measured again when it is a minute old, because
others write there too, and before something is refused, because others may have made room; but not more
often than once a second, or whoever is at the limit could keep the server counting.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from docgen_main.workspace.errors import WriteError

STALE_SECONDS = 60
FRESH_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of files, and how many names (files, directories, links); negative for what goes away."""

    bytes: int = 0
    names: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.bytes + other.bytes, self.names + other.names)

    def __neg__(self) -> "Usage":
        return Usage(-self.bytes, -self.names)


class Quota:
    """A limit on `what` (words for the error). Not thread-safe: used under the lock of the writer."""

    def __init__(
        self,
        what: str,
        limit: Usage,
        measure: Callable[[], Usage],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._limit = limit
        self._measure = measure
        self._clock = clock
        self._used = Usage()
        self._measured: float | None = None

    def admit(self, growth: Usage) -> None:
        """Raise `WriteError` when `growth` more would be above the limit. Counts nothing yet."""
        if growth.bytes <= 0 and growth.names <= 0:
            return
        if self._age() > (FRESH_SECONDS if self._excess(growth) else STALE_SECONDS):
            self._count()
        if excess := self._excess(growth):
            raise WriteError(
                f"{self._what} would have more than {excess}: delete what is not needed", rule="quota"
            )

    def changed(self, growth: Usage) -> None:
        """Count `growth`, which has happened."""
        self._used += growth

    def _age(self) -> float:
        return math.inf if self._measured is None else self._clock() - self._measured

    def _count(self) -> None:
        self._used = self._measure()
        self._measured = self._clock()

    def _excess(self, growth: Usage) -> str:
        after = self._used + growth
        if growth.bytes > 0 and after.bytes > self._limit.bytes:
            return f"its quota of {self._limit.bytes} bytes"
        if growth.names > 0 and after.names > self._limit.names:
            return f"its quota of {self._limit.names} files and directories"
        return ""

"""Lines that a program wrote, as log lines of ours: cut to a length, and at a bounded rate."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog

LONGEST = 4096
"""Characters of one line that are kept."""

_PER_SECOND = 20.0
_BURST = 200.0
_log = structlog.stdlib.get_logger("docgen.program")


class ToldLines:
    """Logs the lines of one program; what comes too fast is counted, and told as a number."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._tokens = _BURST
        self._at = clock()
        self._dropped = 0

    def tell(self, event: str, line: bytes, *, level: str = "info") -> None:
        """Log one line under ``event``."""
        if not self._may():
            self._dropped += 1
            return
        if self._dropped:
            _log.warning("lines of the program left out", lines=self._dropped)
            self._dropped = 0
        text = line[: LONGEST * 4].decode("utf-8", "replace").rstrip("\r\n")
        cut = {"cut": True} if len(text) > LONGEST else {}
        getattr(_log, level)(event, line=text[:LONGEST], **cut)

    def _may(self) -> bool:
        now = self._clock()
        self._tokens = min(_BURST, self._tokens + (now - self._at) * _PER_SECOND)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

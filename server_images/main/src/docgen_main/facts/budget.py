"""How much work one document may cost, and the flag that ends it early."""

import threading
import time


class StoppedError(Exception):
    """The caller has gone: whatever was being made is not wanted any more."""


class Budget:
    """Bounds on one collection: seconds, bytes read and files looked at. `stop()` ends it at the next unit.

    Running out of time, bytes or files is no error: collectors stop taking more in, and say so in the facts.
    """

    def __init__(self, *, seconds: float = 60, read_bytes: int = 256 << 20, files: int = 50_000) -> None:
        self._deadline = time.monotonic() + seconds
        self._bytes = read_bytes
        self._files = files
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make the next `spend` or `check` in the working thread raise."""
        self._stopped.set()

    def check(self) -> None:
        """Raise `StoppedError` when `stop()` was called. For between two units of work."""
        if self._stopped.is_set():
            raise StoppedError

    def spend(self, *, read_bytes: int = 0, files: int = 0) -> bool:
        """Account for one unit of work; False when it is beyond the budget and should be left out."""
        self.check()
        if time.monotonic() > self._deadline or self._bytes < read_bytes or self._files < files:
            return False
        self._bytes -= read_bytes
        self._files -= files
        return True

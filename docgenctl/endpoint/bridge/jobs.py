"""Requests of the client that are under way, and cancelling them from another thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: More than any client has open; a runaway one is told so instead of getting a thread for each.
MOST_AT_ONCE = 256


class CancelledError(Exception):
    """The client does not want the answer any more."""


class Job:
    """One request under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._undo: Callable[[], None] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """End what it does now, from any thread; it will do nothing more."""
        with self._lock:
            self.cancelled = True
            if self._undo is not None:
                self._undo()

    @contextmanager
    def undone_by(self, undo: Callable[[], None]) -> Iterator[None]:
        """While entered, `cancel` calls `undo`. Raises CancelledError when cancelled before or meanwhile."""
        with self._lock:
            if self.cancelled:
                raise CancelledError
            self._undo = undo
        try:
            yield
        except Exception:
            if self.cancelled:
                raise CancelledError from None
            raise
        finally:
            with self._lock:
                self._undo = None


class Jobs:
    """All requests under way, by id."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[type, Any], Job] = {}
        self._changed = threading.Condition()

    def begin(self, request_id: Any) -> Job | None:
        """A job for the id, None when that is in use or there are too many."""
        with self._changed:
            if (type(request_id), request_id) in self._jobs or len(self._jobs) >= MOST_AT_ONCE:
                return None
            job = self._jobs[type(request_id), request_id] = Job()
            return job

    def end(self, request_id: Any) -> None:
        """It is answered, or was cancelled."""
        with self._changed:
            self._jobs.pop((type(request_id), request_id), None)
            self._changed.notify_all()

    def cancel(self, request_id: Any) -> None:
        """Cancel the one with that id, if it is still under way."""
        if not isinstance(request_id, str | int | float):
            return
        with self._changed:
            job = self._jobs.get((type(request_id), request_id))
        if job is not None:
            job.cancel()

    def cancel_all(self) -> None:
        """Cancel every one."""
        with self._changed:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()

    def wait(self, seconds: float) -> bool:
        """Whether all came to their end in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, seconds)

"""Worker processes as seen from the server: begun when first needed, killed when late, ended when idle.

A worker costs a fifth of a second to begin and a millisecond to use, so it is kept for the next request. It
is killed, not asked, whenever an answer is late, too long or none, and after a template exhausted it.
"""

import threading

import structlog

from docgen_main.user_templates.errors import RenderError, TemplateError
from docgen_main.user_templates.worker_process import (
    LateWorkerError,
    Message,
    Supply,
    Worker,
    WorkerEndedError,
)

__all__ = ["RENDER_SECONDS", "Worker", "Workers"]

RENDER_SECONDS = 1.8
OUTPUT_BYTES = 1 << 20
_IDLE_SECONDS = 60.0
_AT_ONCE = 2
#: so much longer than its text JSON may be: six bytes for a control character
_JSON_GROWTH = 6
_log = structlog.stdlib.get_logger("docgen.templates")


class Workers:
    """At most two workers. `ask` may be called from any thread; close it when done."""

    def __init__(
        self, *, render_seconds: float = RENDER_SECONDS, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        self._render_seconds = render_seconds
        self._idle_seconds = idle_seconds
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._timer: threading.Timer | None = None
        self._closed = False

    def ask(self, request: Message, supply: Supply, *, output_bytes: int = OUTPUT_BYTES) -> Message:
        """The worker's answer to `request`. Raises `RenderError` for what the template did wrong."""
        with self._room:
            worker = self._take()
            try:
                answer = worker.ask(
                    {**request, "most": output_bytes},
                    supply,
                    seconds=self._render_seconds,
                    most=_JSON_GROWTH * output_bytes + 4096,
                )
            except LateWorkerError:
                self._ended(worker, "late")
                raise RenderError(
                    f"it took longer than {self._render_seconds:g} seconds and was stopped",
                    rule="time",
                    template=str(request["name"]),
                ) from None
            except WorkerEndedError:
                self._ended(worker, "ended")
                raise RenderError(
                    "rendering it ended the worker process: it needs too much memory or time",
                    rule="worker",
                    template=str(request["name"]),
                ) from None
            except BaseException:
                self._ended(worker, "abandoned")
                raise
            return self._judged(worker, answer)

    def _judged(self, worker: Worker, answer: Message) -> Message:
        error = answer.get("error")
        if error is None:
            self._give_back(worker)
            return answer
        if error["rule"] in ("memory", "depth"):  # what is left of it may not be what it was
            self._ended(worker, error["rule"])
        else:
            self._give_back(worker)
        raise RenderError(
            str(error["message"]),
            rule=str(error["rule"]),
            template=str(error["template"]),
            line=int(error["line"]),
        )

    def _take(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            worker = Worker()
            if not worker.filtered:
                _log.warning("system calls of template workers are not filtered on this machine")
            return worker
        except (OSError, WorkerEndedError, LateWorkerError) as error:
            _log.error("no worker for templates", error=type(error).__name__)
            raise TemplateError(
                "templates cannot be rendered now: the process for them does not start (processes or memory "
                "may be used up); try again",
                rule="worker",
            ) from None

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = threading.Timer(self._idle_seconds, self._end_idle)
                self._timer.daemon = True
                self._timer.start()
                return
        worker.kill()

    def _ended(self, worker: Worker, why: str) -> None:
        worker.kill()
        _log.warning("worker for templates killed", why=why)

    def _end_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()

    @property
    def idle(self) -> int:
        """How many wait for work."""
        return len(self._idle)

    def close(self) -> None:
        """End all that wait; those at work end with their request."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        self._end_idle()

"""Worker processes as seen from the server: begun when first needed, killed when late, ended when idle.

A worker costs a fifth of a second to begin and a millisecond to use, so it is kept for the next request. It
is killed, not asked, whenever an answer is late, too long or none, and after a template exhausted it.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from docgen_main.user_templates.errors import RenderError, TemplateError

RENDER_SECONDS = 1.8
OUTPUT_BYTES = 1 << 20
MESSAGE_BYTES = 24 << 20
_START_SECONDS = 20.0
_IDLE_SECONDS = 60.0
_AT_ONCE = 2
_NEEDS_MOST = 100
_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from docgen_main.template_worker.worker import main; main()"
#: so much longer than its text JSON may be: six bytes for a control character
_JSON_GROWTH = 6
_log = structlog.stdlib.get_logger("docgen.templates")

Message = dict[str, Any]
#: gives what the worker asks for: ("template", name): text and lines before it; ("facts", ""): the facts
Supply = Callable[[str, str], Message]


class WorkerEndedError(Exception):
    """The worker ended, or said what is no message."""


class LateWorkerError(Exception):
    """The worker has not answered in time."""


class Worker:
    """One process, for one request at a time."""

    def __init__(self) -> None:
        # The dynamic linker may need to be told where Python's own library lies; nothing else is handed on.
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        found_in = [os.path.abspath(place) for place in sys.path if place]  # noqa: PTH100 - it runs in `/`
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _BOOT, *found_in],
            env=kept,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            close_fds=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        try:
            ready = self._receive(time.monotonic() + _START_SECONDS, 1 << 10)
        except BaseException:
            self.kill()
            raise
        #: whether the kernel refuses it every system call that rendering does not need
        self.filtered = ready.get("filtered") is True

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, request: Message, supply: Supply, *, seconds: float, most: int) -> Message:
        """Its answer, `most` bytes at most. Raises `WorkerEndedError` or `LateWorkerError`: kill it then."""
        deadline = time.monotonic() + seconds
        self._send(request, deadline)
        for _ in range(_NEEDS_MOST + 1):
            answer = self._receive(deadline, most)
            if "need" not in answer:
                return answer
            asked = time.monotonic()
            found = supply(str(answer["need"]), str(answer.get("name", "")))
            deadline += time.monotonic() - asked  # our own work is not the template's
            self._send(found, deadline)
        raise WorkerEndedError

    def kill(self) -> None:
        """End it now, whatever it does."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _send(self, message: Message, deadline: float) -> None:
        raw = json.dumps(message).encode()
        if len(raw) > MESSAGE_BYTES:
            raise TemplateError(
                f"the facts of this workspace have more than {MESSAGE_BYTES} bytes, too much for a template",
                rule="size",
            )
        view = memoryview(len(raw).to_bytes(4, "big") + raw)
        while view:
            _wait(self._in, select.POLLOUT, deadline)
            try:
                view = view[os.write(self._in, view) :]
            except BlockingIOError:
                continue
            except OSError:
                raise WorkerEndedError from None

    def _receive(self, deadline: float, most: int) -> Message:
        length = int.from_bytes(self._read(4, deadline), "big")
        if length > most:
            raise WorkerEndedError
        try:
            message = json.loads(self._read(length, deadline))
        except (ValueError, RecursionError):
            raise WorkerEndedError from None
        if not isinstance(message, dict):
            raise WorkerEndedError
        return message

    def _read(self, count: int, deadline: float) -> bytes:
        parts = []
        while count:
            _wait(self._out, select.POLLIN, deadline)
            try:
                part = os.read(self._out, min(count, 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                raise WorkerEndedError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise LateWorkerError


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

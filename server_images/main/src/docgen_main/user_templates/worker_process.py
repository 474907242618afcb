"""One worker process as seen from the server: how it is begun, asked, and killed."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from docgen_main.user_templates.errors import TemplateError

MESSAGE_BYTES = 24 << 20
_START_SECONDS = 20.0
_NEEDS_MOST = 100
_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from docgen_main.template_worker.worker import main; main()"

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

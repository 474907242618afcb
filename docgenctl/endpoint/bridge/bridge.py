"""The bridge itself: takes lines, gives each request a thread, answers what goes wrong."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.bridge.jobs import CancelledError, Job, Jobs
from docgenctl.endpoint.bridge.legacy import LegacySession
from docgenctl.endpoint.bridge.messages import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    BadMessageError,
    Message,
    RefusalError,
    encoded,
    failure,
    parse,
    unavailable,
)
from docgenctl.endpoint.bridge.modern import ModernClient
from docgenctl.endpoint.bridge.streams import Output
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.model.errors import DocgenError

#: How long answers may still take once the client has closed its end, and ends of threads after that.
_GRACE_S, _END_S = 1.0, 0.5


class Bridge:
    """Between one client and the stack.

    Args:
        find: where the stack is now; returns the same object while nothing has changed. Raises DocgenError.
        output: lines for the client.
        log: sentences for people.
    """

    def __init__(self, find: Callable[[], Endpoint], output: Output, log: Callable[[str], None]) -> None:
        self._upstream = Upstream(find)
        self._output = output
        self._log = log
        self._jobs = Jobs()
        self._threads: set[threading.Thread] = set()
        self._legacy = LegacySession(self._upstream, output.write, self._start, log)
        self._modern = ModernClient(self._upstream, output.write, log)

    def run(self, lines: Iterable[bytes]) -> None:
        """Serve the client until its lines end, then end what is under way: within 2 s, whatever hangs."""
        grace_s = 0.0
        try:
            for line in lines:
                self._take(line)
                if self._output.gone.is_set():
                    break
            else:
                grace_s = _GRACE_S
        finally:
            self._legacy.close()
            self._jobs.wait(grace_s)
            self._jobs.cancel_all()
            self._upstream.close()
            for thread in list(self._threads):
                thread.join(_END_S)

    def _take(self, line: bytes) -> None:
        try:
            message = parse(line)
        except BadMessageError as error:
            self._output.write(encoded(failure(error.request_id, error.error)))
            return
        if not message.method:
            self._legacy.questions.answered(message)
        elif "id" in message.body:
            self._begin(message)
        elif message.method == "notifications/cancelled":
            self._jobs.cancel(message.params.get("requestId"))
        elif message.method == "notifications/initialized":
            self._start(self._legacy.initialized)

    def _begin(self, message: Message) -> None:
        job = self._jobs.begin(message.id)
        if job is None:
            words = "Invalid request: a request with this id, or too many others, are still under way"
            self._output.write(encoded(failure(message.id, {"code": INVALID_REQUEST, "message": words})))
            return
        if message.method == "initialize":  # what follows it on the pipe needs what it says
            self._answer(job, message)
        else:
            self._start(lambda: self._answer(job, message))

    def _answer(self, job: Job, message: Message) -> None:
        try:
            client = self._modern if message.revision else self._legacy
            client.answer(job, message)
        except CancelledError:
            pass
        except RefusalError as error:
            self._fail(message.id, error)
        except DocgenError as error:
            self._log(f"{message.method}: {error.message}{_told(error)}")
            self._fail(message.id, unavailable(error))
        except Exception as error:  # noqa: BLE001 - our bug: the client must not wait for ever
            self._log(f"{message.method}: a bug in docgenctl: {type(error).__name__}: {error}")
            self._fail(message.id, RefusalError(INTERNAL_ERROR, "A bug in docgenctl mcp; its log says more"))
        finally:
            self._jobs.end(message.id)

    def _fail(self, request_id: Any, error: RefusalError) -> None:
        self._output.write(encoded(failure(request_id, error.error)))

    def _start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.add(thread)
        thread.start()


def _told(error: DocgenError) -> str:
    return f" ({', '.join(error.details)})" if error.details else ""

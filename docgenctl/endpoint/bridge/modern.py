"""Clients of 2026-07-28: their requests are what the stack wants already, and are carried as they are."""

from collections.abc import Callable
from typing import Any

from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.listening import Listening
from docgenctl.endpoint.bridge.messages import Message, encoded, received, result
from docgenctl.endpoint.bridge.offer import absent
from docgenctl.endpoint.bridge.parameter_headers import ParameterHeaders
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.endpoint.wire import headers
from docgenctl.model.errors import DocgenError

_HEADER_MISMATCH = b"-32020"
_SHORT = 4096


class ModernClient:
    """Requests of one client; several threads may. `write` takes lines for it."""

    def __init__(
        self, upstream: Upstream, write: Callable[[bytes], None], log: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._write = write
        self._log = log
        self._mirrored = ParameterHeaders(upstream)

    def answer(self, job: Job, message: Message) -> None:
        """Answer one request. Raises RefusalError, CancelledError, and DocgenError when the stack is away."""
        if message.method == "subscriptions/listen":
            Listening(
                self._upstream, job, message.id, message.params, lambda one: self._write(one.line), self._log
            ).run()
            return
        try:
            self._carry(job, message)
        except DocgenError as error:
            if message.method != "server/discover":
                raise
            self._log(f"{error.message}; {error.hint}")
            self._write(encoded(result(message.id, absent(error))))

    def _carry(self, job: Job, message: Message) -> None:
        more = self._mirrored.known(message)
        for line in self._exchange(job, message, more):
            if not more and self._wants_more_headers(message, line):
                more = self._mirrored.learned(job, message)
                if more:
                    for second in self._exchange(job, message, more):
                        self._write(second)
                    return
            self._write(line)

    def _exchange(self, job: Job, message: Message, more: dict[str, str]) -> Any:
        sent = headers(message.method, message.params, message.revision) | more
        return self._upstream.exchange(job, message.line, sent, message.id)

    @staticmethod
    def _wants_more_headers(message: Message, line: bytes) -> bool:
        """Whether a server refused a call because arguments are not mirrored that it wants in headers."""
        if message.method != "tools/call" or len(line) > _SHORT or _HEADER_MISMATCH not in line:
            return False
        error = received(line).body.get("error")
        return isinstance(error, dict) and error.get("code") == -32020

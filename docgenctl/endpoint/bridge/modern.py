"""Clients of 2026-07-28: their requests are what the stack wants already, and are carried as they are."""

from collections.abc import Callable

from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.listening import Listening
from docgenctl.endpoint.bridge.messages import Message, encoded, result
from docgenctl.endpoint.bridge.mirroring import MirroringUpstream
from docgenctl.endpoint.bridge.offer import absent
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.model.errors import DocgenError


class ModernClient:
    """Requests of one client; several threads may. `write` takes lines for it."""

    def __init__(
        self, upstream: Upstream, write: Callable[[bytes], None], log: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._write = write
        self._log = log
        self._mirroring = MirroringUpstream(upstream)

    def answer(self, job: Job, message: Message) -> None:
        """Answer one request. Raises RefusalError, CancelledError, and DocgenError when the stack is away."""
        if message.method == "subscriptions/listen":
            Listening(
                self._upstream, job, message.id, message.params, lambda one: self._write(one.line), self._log
            ).run()
            return
        try:
            for line in self._mirroring.exchange(job, message):
                self._write(line)
        except DocgenError as error:
            if message.method != "server/discover":
                raise
            self._log(f"{error.message}; {error.hint}")
            self._write(encoded(result(message.id, absent(error))))

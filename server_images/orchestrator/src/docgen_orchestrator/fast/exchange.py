"""One raw request from its whole body to the last byte of its answer: the caller's side of it.

``begin`` decides, without waiting for anything, whether this request is ours: every way in which it may be
somebody else's comes before the first side effect. From then on it is answered here.
"""

from __future__ import annotations

import asyncio
from itertools import count
from random import getrandbits
from time import perf_counter, time
from typing import TYPE_CHECKING

from docgen_common.keys import ApiKey
from docgen_common.rate_limit import rate_refusal
from docgen_common.rates import Verdict
from docgen_common.scopes import UNRESTRICTED
from msgspec import Struct

from docgen_orchestrator.failures import RETRY_AFTER_S
from docgen_orchestrator.fast.endpoint import Endpoint, Shared
from docgen_orchestrator.fast.forward import Forward, forward
from docgen_orchestrator.fast.reply import Answer
from docgen_orchestrator.fast.request import LIST, Head, Request, read_request
from docgen_orchestrator.fast.targets import Target
from docgen_orchestrator.fast.telling import Note
from docgen_orchestrator.granted import is_granted
from docgen_orchestrator.shared_limits.leases import AskFirstError

if TYPE_CHECKING:
    from docgen_orchestrator.fast.protocol import RawProtocol

_EVENTS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n"
    b"x-accel-buffering: no\r\ntransfer-encoding: chunked\r\n"
)
_STATUS = {
    200: b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ",
    400: b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ",
    404: b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: ",
    429: b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: ",
    503: b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: ",
}


class Exchange(Struct, eq=False):
    """What uvicorn's protocol class knows as the cycle of a request, as far as it looks at one.

    ``message_event`` stands for itself: the protocol sets it when the caller has gone. ``begun`` is the time
    of ``perf_counter``; ``body`` gets nothing more, since the body was whole before this began.
    """

    protocol: RawProtocol
    shared: Shared
    endpoint: Endpoint
    head: Head
    correlation_id: bytes
    begun: float
    keep_alive: bool = True
    disconnected: bool = False
    response_complete: bool = False
    more_body: bool = False
    body: bytes = b""
    key: ApiKey | None = None
    status: int = 0
    sent: int = 0
    _forward: Forward | None = None
    _task: asyncio.Task[None] | None = None
    _verdict: Verdict | None = None

    # --- called by the protocol ---

    @property
    def message_event(self) -> Exchange:
        """What uvicorn sets when the caller has gone."""
        return self

    def admit(self) -> bool:
        """Whether the caller's key and the host it means are good; asked before the body is waited for."""
        shared, head = self.shared, self.head
        if not shared.knows_host(head.host):
            return False
        ring = shared.ring
        if not ring.enforced:
            return True
        proved = self.protocol.proved
        if proved is not None and proved[0] == head.key and proved[1] is ring.keys:
            self.key = proved[2]
            return True
        self.key = ring.find(head.key) if head.key else None
        if self.key is not None and self.key.expires is None and head.key is not None:
            self.protocol.proved = (head.key, ring.keys, self.key)
        return self.key is not None

    def begin(self, body: bytes) -> bool:
        """Start, and return True; False when this is a request for the application.

        So is one for whose rate others have to be asked first: its middleware can wait.
        """
        request = read_request(body, self.head)
        if request is None:
            return False
        try:
            return self._begin(request)
        except AskFirstError:
            return False

    def _begin(self, request: Request) -> bool:
        """The same for a request that is well-formed. Raises AskFirstError before anything was done."""
        if self.head.method == LIST:
            self._begin_list(request)
            return True
        target = self.endpoint.targets.find(self.head.name, self.begun)
        if target is None or not self._may_call(target):
            return False
        self._verdict = self.shared.limiter.take(self.key, target.tool.shown_name, target.tool.rate)
        if not self._too_often():
            self._forward = forward(self, request, target)
            self._forward.begin()
        return True

    def set(self) -> None:
        """The caller has gone, or so it seems."""
        if not self.disconnected or self.response_complete:
            return
        if self._task is not None:
            self._task.cancel()
        if self._forward is not None:
            self._forward.cancel()

    def resume(self) -> None:
        """The caller reads again."""
        if self._forward is not None and not self.response_complete:
            self._forward.moved()

    # --- called by the call that is forwarded ---

    @property
    def behind(self) -> bool:
        """Whether the caller reads more slowly than it is written to."""
        return self.protocol.flow.write_paused

    def answer(self, answer: Answer) -> None:
        """A whole answer in one write; after events it is the last one."""
        if self.status:
            self.pass_on(_event(answer.body), last=True)
            return
        status = self.status = answer.status
        body = answer.body
        start = _STATUS.get(status, _STATUS[200])
        retry = b"retry-after: %d\r\n" % RETRY_AFTER_S if status == 503 else b""
        self._write(b"%b%d\r\n%b%b\r\n%b" % (start, len(body), retry, self._lines(), body))
        self._complete()

    def pass_on(self, events: bytes, *, last: bool) -> None:
        """Events, as they come."""
        start = b""
        if not self.status:
            self.status = 200
            start = b"%b%b\r\n" % (_EVENTS, self._lines())
        self._write(b"%b%x\r\n%b\r\n%b" % (start, len(events), events, b"0\r\n\r\n" if last else b""))
        if last:
            self._complete()

    def event(self, data: bytes) -> bytes:
        """One message as an event."""
        return _event(data)

    def ended(self, target: Target, outcome: str) -> None:
        """The call is over, for better or worse: tell of it."""
        self._forward = None  # they know each other; apart, both go at once and nothing is left to collect
        self._report(target, outcome)

    # --- lists, refusals ---

    def _begin_list(self, request: Request) -> None:
        self._verdict = self.shared.limiter.take(self.key)
        if self._too_often():
            return
        grants = UNRESTRICTED if self.key is None else self.key.grants
        found = self.endpoint.listing.at_hand(grants)
        if found is not None:
            self._list(request, found)
            return
        self._task = self.protocol.loop.create_task(self._list_later(request))
        self.protocol.tasks.add(self._task)
        self._task.add_done_callback(self.protocol.tasks.discard)

    async def _list_later(self, request: Request) -> None:
        grants = UNRESTRICTED if self.key is None else self.key.grants
        self._list(request, await self.endpoint.listing.asked(grants))

    def _list(self, request: Request, result: bytes) -> None:
        self.answer(Answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (request.id, result), 200, "ok"))
        self._report()

    def _too_often(self) -> bool:
        """Refuse, and return True, when the rate of the key or of the tool is used up."""
        if self._verdict is None or self._verdict.allowed:
            return False
        body = bytes(rate_refusal(self.endpoint.path, self._verdict).body)
        self.answer(Answer(body, 429, "failed"))
        self._report()
        return True

    def _may_call(self, target: Target) -> bool:
        key = self.key
        return key is None or key.grants.unrestricted or is_granted(target.tool, key.grants)

    # --- writing, telling ---

    def _lines(self) -> bytes:
        """Header lines that every answer has."""
        lines = b"x-correlation-id: %b\r\n" % self.correlation_id
        if self._verdict is not None:
            lines += self._verdict.lines()
        return lines if self.keep_alive else lines + b"connection: close\r\n"

    def _write(self, data: bytes) -> None:
        self.sent += len(data)
        self.protocol.transport.write(data)

    def _complete(self) -> None:
        self.response_complete = True
        if not self.keep_alive:
            self.protocol.transport.close()
        self.protocol.on_response_complete()

    def _report(self, target: Target | None = None, outcome: str = "") -> None:
        client = self.protocol.client
        self.shared.telling.take(
            Note(
                time(),
                self.endpoint,
                self.head,
                self.correlation_id,
                None if self.key is None else self.key.id,
                client[0] if client else None,
                # 499 is what nginx made known as "the client went away before there was an answer".
                self.status if self.response_complete else 499,
                perf_counter() - self.begun,
                self.sent,
                target,
                outcome,
            )
        )


_BEGINNING = b"%016x" % getrandbits(64)
_numbers = count(getrandbits(63))


def exchange(protocol: RawProtocol, shared: Shared, endpoint: Endpoint, head: Head) -> Exchange:
    """One that begins now. What came without a correlation id gets one."""
    correlation_id = head.correlation_id or _BEGINNING + b"%016x" % next(_numbers)
    return Exchange(protocol, shared, endpoint, head, correlation_id, perf_counter())


def _event(data: bytes) -> bytes:
    return b"event: message\r\ndata: %b\r\n\r\n" % data

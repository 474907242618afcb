"""One raw call on its way to its server and back: the server's side of an exchange.

Theory of operation. There is no task and nothing is awaited where it can be helped: the request is written as
soon as it is known, and the rest happens when bytes come. ``moved`` is called by the connection each time its
reply has got further, or has failed; it looks at all that is there and goes on from where it was. What comes
as JSON is answered in one write once it is whole; what comes as events is passed on event by event, and not
read on while the caller is behind. A call ends in exactly one way: an answer, a failure, its deadline, or a
caller who has gone. The last two drop the connection, which is how a call is cancelled on the 2026-07-28
wire. Only making a connection, when none is idle, is a task.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from docgen_common.auth import CALLER_HEADER
from docgen_common.keys import ApiKey
from msgspec import Struct

from docgen_orchestrator.backend import DeadlineError, Slot
from docgen_orchestrator.failures import FAILED, Failed, failure_of
from docgen_orchestrator.fast.reply import Answer, Wanted, failed, read_answer, read_event
from docgen_orchestrator.fast.request import Request
from docgen_orchestrator.fast.targets import Target
from docgen_orchestrator.http1 import Connection, ConnectionLostError, Reply
from docgen_orchestrator.pool import ConnectFailedError
from docgen_orchestrator.resilience.bulkhead import BusyError
from docgen_orchestrator.sse import EventSplitter
from docgen_orchestrator.upstream import UnavailableError, finish, no_message

if TYPE_CHECKING:
    from docgen_orchestrator.fast.exchange import Exchange

_PING = b": ping\r\n\r\n"
_ids = itertools.count(1)


class Forward(Struct, eq=False):
    """One call. ``deadline`` is the event loop's time at which it is over."""

    _exchange: Exchange
    _target: Target
    _request: bytes
    _wanted: Wanted
    deadline: float = float("inf")
    _slot: Slot | None = None
    _connection: Connection | None = None
    _reply: Reply | None = None
    _connecting: asyncio.Task[None] | None = None
    _events: EventSplitter | None = None
    _retried: bool = False
    _ended: bool = False

    @property
    def key(self) -> ApiKey | None:
        """The caller's key."""
        return self._exchange.key

    def break_off(self) -> None:
        """Close the caller's connection, since its key is no longer in force."""
        self._exchange.protocol.transport.abort()

    def begin(self) -> None:
        """Send the call, or answer that it cannot be sent."""
        exchange, target = self._exchange, self._target
        try:
            if exchange.shared.deadlines.overloaded:
                raise BusyError("the orchestrator has more to do than it can", own=False)
            self._slot = target.backend.enter(None if exchange.key is None else exchange.key.id)
        except FAILED as error:
            self._fail(error)
            return
        self.deadline = exchange.protocol.loop.time() + target.timeout_s
        exchange.shared.deadlines.running.add(self)
        target.upstream.retries.sent()
        connection = target.upstream.pool.idle()
        if connection is None:
            self._connect()
        else:
            self._send(connection)

    def moved(self) -> None:
        """The reply got further."""
        reply = self._reply
        if self._ended or reply is None:
            return
        try:
            if reply.failure is not None:
                self._broken(reply)
            elif reply.status:
                self._look(reply)
        except ConnectionLostError as error:
            self._drop()
            self._fail(UnavailableError(str(error), sent=True))

    def expire(self) -> None:
        """The call's time is over."""
        self._drop()
        self._fail(DeadlineError(self._target.timeout_s))

    def cancel(self) -> None:
        """The caller has gone."""
        if not self._ended:
            self._drop()
            self._end("failed", asyncio.CancelledError())

    # --- sending ---

    def _send(self, connection: Connection) -> None:
        self._connection = connection
        self._reply = connection.send(self._request, self.moved)

    def _connect(self) -> None:
        protocol = self._exchange.protocol
        self._connecting = protocol.loop.create_task(self._connected())
        protocol.tasks.add(self._connecting)
        self._connecting.add_done_callback(protocol.tasks.discard)

    async def _connected(self) -> None:
        try:
            connection = await self._target.upstream.pool.take(fresh=self._retried)
        except ConnectFailedError as error:
            self._connecting = None
            self._fail(UnavailableError(str(error), sent=self._retried))
            return
        self._connecting = None
        self._send(connection)

    def _broken(self, reply: Reply) -> None:
        """The connection ended first: a read of which no byte was answered may be asked once more."""
        upstream = self._target.upstream
        again = self._target.read_only and not reply.answered and not self._retried
        if again and upstream.retries.take():
            self._retried = True
            self._connection = self._reply = None
            self._connect()
            return
        raise ConnectionLostError(reply.answered, reply.failure or "")

    # --- what comes back ---

    def _look(self, reply: Reply) -> None:
        if reply.content_type == "text/event-stream":
            self._look_at_events(reply)
        elif reply.complete:
            body = reply.taken()
            if not body.startswith(b"{") or b'"jsonrpc"' not in body:
                raise ConnectionLostError(True, no_message(reply.status))
            self._answer(read_answer(body, self._wanted))
        else:
            reply.let_come()

    def _look_at_events(self, reply: Reply) -> None:
        if self._exchange.behind:
            return  # resumed when the caller has read what it was sent
        events = self._events = self._events or EventSplitter()
        part = reply.taken()
        said: list[bytes] = []
        for data in events.feed(part):
            event = read_event(data, self._wanted)
            if isinstance(event, Answer):
                self._pass_on(said)
                self._answer(event)
                return
            if event is not None:
                said.append(self._exchange.event(event))
        reply.keep(events.buffered)
        if reply.complete:
            raise ConnectionLostError(True, "the stream ended without an answer")
        if part:
            self._target.backend.heard()
            self._pass_on(said or [_PING])

    def _pass_on(self, said: list[bytes]) -> None:
        if said:
            self._exchange.pass_on(b"".join(said), last=False)

    # --- ends ---

    def _answer(self, answer: Answer) -> None:
        connection, reply = self._connection, self._reply
        if connection is not None and reply is not None and not reply.complete:
            finish(connection, reply)
        self._connection = None
        self._exchange.answer(answer)
        self._end(answer.outcome, None)

    def _fail(self, error: Failed) -> None:
        if self._ended:
            return
        failure = failure_of(self._target.backend.name, error)
        self._exchange.answer(failed(self._wanted.id, failure))
        self._end("failed", error)

    def _end(self, outcome: str, error: BaseException | None) -> None:
        self._ended = True
        exchange, target = self._exchange, self._target
        exchange.shared.deadlines.running.discard(self)
        if self._slot is not None:
            self._slot.leave(error, changes=not target.read_only)
        if self._reply is not None:
            self._reply.let_go()
            self._reply = None
        exchange.ended(target, outcome)

    def _drop(self) -> None:
        """Let go of the connection, which tells the server that nobody waits any more."""
        if self._connecting is not None:
            self._connecting.cancel()
        connection, reply = self._connection, self._reply
        self._connection = self._reply = None
        if connection is not None and reply is not None:
            reply.let_go()
            connection.drop(reply)


def forward(exchange: Exchange, request: Request, target: Target) -> Forward:
    """A call that is ready to be sent: its HTTP request, and what its reply will become."""
    meta, own_id = request.meta, next(_ids)
    own_token = b'"docgen-raw-%d"' % own_id if meta.token else b""
    trace = exchange.head.traceparent
    body = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"_meta":%b,"name":%b%b}}' % (
        own_id,
        meta.told(own_token, exchange.correlation_id, trace),
        target.json_own_name,
        request.rest,
    )
    trace = trace or meta.trace or b""
    lines = b"X-Correlation-ID: %b\r\n" % exchange.correlation_id
    if trace:
        lines += b"traceparent: %b\r\n" % trace
    if exchange.key is not None:
        lines += b"%b: %b\r\n" % (_CALLER, exchange.key.id.encode("latin-1", "replace"))
    whole = b"%b%bContent-Length: %d\r\n\r\n%b" % (target.head, lines, len(body), body)
    wanted = Wanted(own_id, request.id, own_token, meta.token, target.server, exchange.endpoint.stamps)
    return Forward(exchange, target, whole, wanted)


_CALLER = CALLER_HEADER.encode()

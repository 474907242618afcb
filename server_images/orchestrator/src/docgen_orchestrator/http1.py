"""One HTTP/1.1 connection to a server, with at most one request on it at a time.

Theory of operation. A connection is a state machine driven by the event loop: bytes come in, httptools (the
parser of Node.js) finds heads, bodies and ends in them, and a ``Reply`` passes them to whoever waits. Three
things matter more here than in a general client, and are why this is written out:

- A reply must be read to its end before the connection carries another request; otherwise the next caller
gets
  somebody else's bytes. So a connection knows ``idle`` only as "the last message is complete, and nothing has
  come since", and a byte that arrives while it is idle closes it.
- Whether a request was answered at all must be known when a connection breaks, because that decides whether
it may be
  sent again. ``Reply.answered`` says so.
- Dropping a reply half-way must reach the server at once, because that is how a call is cancelled (2026-07-28
  transport). ``abort`` closes without lingering.

A reader that is slower than the server pauses the socket, so a large reply costs bounded memory.

A reply that came whole, with a head that came before (``known_heads``), needs no parser.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import NamedTuple, cast

import httptools
from docgen_common.room import Share

from docgen_orchestrator.known_heads import KnownHeads, Message, split
from docgen_orchestrator.reply_room import FREE_BYTES, MAX_REPLY_BYTES, SHARED

_HIGH_WATER = 1024 * 1024
_LOW_WATER = 256 * 1024
_MAX_HEADER_BYTES = 64 * 1024
_UNSENT_MILLISECONDS = 5_000


class ConnectionLostError(Exception):
    """The connection broke. ``answered`` says whether any byte of the reply had come."""

    def __init__(self, answered: bool, reason: str) -> None:
        super().__init__(reason)
        self.answered = answered


class Meaning(NamedTuple):
    """What the head of a reply means after which the connection is kept."""

    status: int
    content_type: str


_HEADS: KnownHeads[Meaning] = KnownHeads()


class Reply:
    """The answer to one request, as it arrives.

    Whoever does not wait for it is called, by ``moved``, each time it has got further or has failed. Then
    ``headers`` may stay empty.
    """

    # What is the same for nearly all replies stands here, and is made an instance's own when it is not.
    buffered = 0
    failure: str | None = None
    status = 0
    content_type = ""
    answered = False
    complete = False
    _share: Share | None = None
    _waiter: asyncio.Future[None] | None = None

    def __init__(self, connection: Connection, moved: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._chunks: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self._moved = moved

    async def head(self) -> int:
        """Wait for status and headers; returns the status. Raises ConnectionLostError."""
        while not self.status:
            self._raise_failure()
            await self._wait()
        return self.status

    async def chunk(self) -> bytes:
        """The next part of the body; empty at its end. Raises ConnectionLostError."""
        while not self._chunks:
            if self.complete:
                return b""
            self._raise_failure()
            await self._wait()
        return self.taken()

    def taken(self) -> bytes:
        """What has come of the body since the last look; empty when that is nothing."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.buffered = 0
        self._connection.resume()
        return data

    def let_come(self) -> None:
        """Keep what has come and have more of it. Raises ConnectionLostError when it may not be kept."""
        self.keep(self.buffered)
        self._connection.resume()

    def keep(self, size: int) -> None:
        """Somebody keeps ``size`` bytes of this reply now. Raises ConnectionLostError if that is too much."""
        if self._share is None:
            if size <= FREE_BYTES:
                return
            self._share = Share(SHARED, FREE_BYTES)
        if size > MAX_REPLY_BYTES or not self._share.keep(size):
            raise ConnectionLostError(True, "the reply is too large")

    def forget(self) -> None:
        """Nothing of this reply is kept any more."""
        if self._share is not None:
            self._share.keep(0)

    async def read(self) -> bytes:
        """The whole body. Raises ConnectionLostError, also when it is too large to be kept."""
        body = bytearray()
        try:
            while part := await self.chunk():
                body += part
                self.keep(len(body))
        finally:
            self.forget()
        return bytes(body)

    def feed(self, data: bytes) -> None:
        """A part of the body came."""
        self._chunks.append(data)
        self.buffered += len(data)
        if self.buffered > _HIGH_WATER:
            self._connection.pause()
        self.wake()

    def receive(self, body: bytes) -> None:
        """The whole body came at once."""
        if body:
            self._chunks.append(body)
            self.buffered = len(body)
        self.complete = True
        self.wake()

    def fail(self, reason: str) -> None:
        """No more will come."""
        self.failure = reason
        self.wake()
        self.tell()

    def wake(self) -> None:
        """Let the reader look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def let_go(self) -> None:
        """Nobody is to be called any more, and nothing is kept."""
        self._moved = None
        self.forget()

    @property
    def told(self) -> bool:
        """Whether somebody is called, who has no use for header lines."""
        return self._moved is not None

    def tell(self) -> None:
        """Call whoever does not wait; never from inside the parser."""
        if self._moved is not None:
            self._moved()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise ConnectionLostError(self.answered, self.failure)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class Connection(asyncio.Protocol):
    """One connection; ``on_idle`` is called each time it becomes free for another request."""

    def __init__(self, address: str, on_idle: Callable[[Connection], None]) -> None:
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.idle_since = 0.0
        self._on_idle = on_idle
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._reply: Reply | None = None
        self._header_bytes = 0
        self._keep = True
        self._paused = False
        self._poll: select.poll | None = None

    # --- what the pool and its callers use ---

    def send(self, request: bytes, moved: Callable[[], None] | None = None) -> Reply:
        """Put one whole request on the wire; for ``moved`` see Reply. The connection must be idle."""
        assert self._reply is None  # noqa: S101 - the pool hands out idle connections only
        assert self._transport is not None  # noqa: S101 - connected before it is handed out
        reply = self._reply = Reply(self, moved)
        self._keep = True
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._header_bytes = 0
        self._transport.write(request)
        return reply

    @property
    def open(self) -> bool:
        """Whether nothing that was handed to us says that it is closed."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def alive(self) -> bool:
        """Whether an idle connection can be used: open, and nothing came on it, no close either.

        The kernel is asked too: a close that arrived may not have been handed to us yet.
        """
        return self.open and (self._poll is None or not self._poll.poll(0))

    def drop(self, reply: Reply) -> None:
        """Give up ``reply``: close, unless it is whole and the connection carries another request already."""
        if reply.complete and self._reply is not None:
            self._keep = False
        else:
            self.abort()

    def abort(self) -> None:
        """Close now, dropping what is under way."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading from the socket."""
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    # --- called by the event loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop connected us."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            _notice_dead_peers(sock)
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN | select.POLLRDHUP)

    def data_received(self, data: bytes) -> None:
        """Bytes came; anything that is not part of the awaited reply ends the connection."""
        reply, parser = self._reply, self._parser
        if reply is None or parser is None:
            self.abort()
            return
        message = split(data) if reply.told and not reply.answered else None
        reply.answered = True
        if message is not None:
            known = _HEADS.find(message.pattern)
            if known is not None:
                reply.status, reply.content_type = known
                reply.receive(data[message.body_at :])
                self._release()
                reply.tell()
                return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            reply.fail(f"not a well-formed HTTP reply ({type(error).__name__})")
            self.abort()
            return
        if reply.complete:
            if message is not None:
                self._remember(message, reply, len(data))
            self._release()
        reply.tell()

    def eof_received(self) -> bool:
        """The other side closed; so do we."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        reply, self._reply, self._parser, self._poll = self._reply, None, None, None
        if reply is not None and not reply.complete:
            reply.fail("the connection was closed" if exc is None else f"the connection broke ({exc})")

    # --- called by the parser ---

    def on_message_begin(self) -> None:
        """A message begins: a second one was not asked for, so nothing on this connection can be trusted."""
        if self._reply is None or self._reply.complete:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line came."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise ValueError("headers too large")
        if self._reply is None or self._reply.complete:
            return
        self._reply.headers.append((name, value))
        if name.lower() == b"content-type":
            self._reply.content_type = value.decode("latin-1").partition(";")[0].strip().lower()

    def on_headers_complete(self) -> None:
        """Status and headers are known."""
        if self._reply is not None and self._parser is not None and not self._reply.complete:
            self._reply.status = self._parser.get_status_code()
            self._reply.wake()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        if self._reply is not None and not self._reply.complete:
            self._reply.feed(body)

    def on_message_complete(self) -> None:
        """The reply is whole; the server may want the connection closed now."""
        reply, parser = self._reply, self._parser
        if reply is None or parser is None:
            return
        self._keep = self._keep and parser.should_keep_alive() and reply.status >= 200
        reply.complete = True
        reply.wake()

    def _remember(self, message: Message, reply: Reply, size: int) -> None:
        """The parser found one reply in ``message`` and nothing else: the next with that head needs none."""
        plain = self._keep and reply.status == 200 and reply.buffered == size - message.body_at
        if plain and message.pattern.startswith(b"HTTP/1.1 200 "):
            _HEADS.remember(message.pattern, Meaning(reply.status, reply.content_type))

    def _release(self) -> None:
        """The reply is whole, and so is what was read from the socket with it."""
        self._reply = None
        # Its reader may be behind, but a connection that does not read cannot notice a close.
        self.resume()
        if self._keep:
            self.idle_since = self.loop.time()
            self._on_idle(self)
        else:
            self.abort()


def _notice_dead_peers(sock: socket.socket) -> None:
    """Let the kernel end connections whose other side vanished without a word (a moved container)."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MILLISECONDS)
    except OSError:
        return  # not a TCP socket: nothing to notice

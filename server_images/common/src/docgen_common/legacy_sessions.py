"""Sessions for clients of the older protocol eras, where they are switched on.

Theory of operation. What those revisions push to a client (changed lists, changed resources, questions while
a call is open) needs a place where two requests of one client meet: a session, in this process. The SDK keeps
them: it answers ``initialize`` with an id, runs one connection for it, ends it after ``DELETE`` or when no
request was open for ``idle_s``. Here stands what it leaves open. A session belongs to the caller who began
it; for anybody else, and for an id that was never given out, the answer is 404 and nothing runs. One caller
cannot take the room of all. A call whose client went away is cancelled: answers are not kept for who comes
back, so although these revisions see no cancelling in a lost connection, nobody could get the result.
Requests of 2026-07-28 pass by: they have no sessions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.auth import Principal, current_principal
from docgen_common.json_body import is_legacy, message_of, refused
from docgen_common.legacy_cancellation import SESSION_HEADER, session_of

_SESSION = SESSION_HEADER.encode()
_OWN_SECONDS = 5.0


@dataclass(frozen=True)
class SessionLimits:
    """``idle_s``: seconds without an open request after which a session ends.

    ``most`` and ``most_per_caller``: sessions at once.
    """

    idle_s: float = 1800.0
    most: int = 1000
    most_per_caller: int = 100


class Ledger:
    """Whose each session is."""

    def __init__(self, limits: SessionLimits) -> None:
        self.limits = limits
        self._owners: dict[str, Principal] = {}

    def is_full_for(self, caller: Principal) -> bool:
        """Whether ``caller`` can have no further session now."""
        own = sum(owner == caller for owner in self._owners.values())
        return own >= self.limits.most_per_caller or len(self._owners) >= self.limits.most

    def belongs(self, session_id: str, caller: Principal) -> bool:
        """Whether there is such a session and it is ``caller``'s."""
        return session_id in self._owners and self._owners[session_id] == caller

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """SDK middleware: note who began a session, and strike it out when it ends."""
        result = await call_next(ctx)
        if ctx.method == "initialize":
            connection = connection_of(ctx)
            if connection.session_id is not None and connection.session_id not in self._owners:
                self._owners[connection.session_id] = current_principal()
                connection.exit_stack.callback(self._owners.pop, connection.session_id, None)
        return result


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """What lives as long as the session of ``ctx``.

    The SDK means handlers to use its ``state`` and ``exit_stack`` and has, as yet, no public way to it.
    """
    return ctx.session._connection


class LegacySessions:
    """In front of the SDK's endpoint: lets each caller into its own sessions only."""

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif is_legacy(scope) and scope["method"] == "POST":
            await self._post(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if not is_legacy(scope):
            return (
                None
                if scope["method"] == "POST"
                else refused(405, "Method Not Allowed", headers={"Allow": "POST"})
            )
        caller = current_principal()
        session = session_of(scope)
        if session is not None and self._ledger.belongs(session.decode("latin-1"), caller):
            return None
        if any(name == _SESSION for name, _ in scope["headers"]):
            return refused(404, "Session not found")
        if scope["method"] != "POST":
            return refused(400, "The header Mcp-Session-Id is needed")
        if self._ledger.is_full_for(caller):
            return refused(503, "Too many open sessions", headers={"Retry-After": "60"})
        return None

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete = False
        given = b""

        async def watching(part: Message) -> None:
            nonlocal complete, given
            if part["type"] == "http.response.start":
                given = dict(part["headers"]).get(_SESSION, b"")
            await send(part)
            complete = part["type"] == "http.response.body" and not part.get("more_body", False)

        try:
            await self._app(scope, receive, watching)
        finally:
            if session_of(scope) is None:
                await self._close_ifrefused(scope, given)
            elif not complete:
                await self._give_up(scope, message_of(scope))

    async def _close_ifrefused(self, scope: Scope, given: bytes) -> None:
        """End what the SDK began although it refused the ``initialize``: nobody will ever use it."""
        if given and not self._ledger.belongs(given.decode("latin-1"), current_principal()):
            await self._say(scope, "DELETE", b"", (_SESSION, given))

    async def _give_up(self, scope: Scope, message: Mapping[str, Any]) -> None:
        """Tell the session what its client would say if it were there."""
        if "method" in message and "id" in message:
            params = {"requestId": message["id"], "reason": "the client went away"}
            note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            await self._say(scope, "POST", json.dumps(note).encode())

    async def _say(self, scope: Scope, method: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
        """A request of our own in the place of one that the client of ``scope`` will not send."""
        headers = [line for line in scope["headers"] if line[0] != b"content-length"]
        length = (b"content-length", b"%d" % len(body))
        own = {**scope, "method": method, "headers": [*headers, length, *more], "state": {}}
        with anyio.move_on_after(_OWN_SECONDS, shield=True):
            await self._app(own, _once(body), _nobody)


def _once(body: bytes) -> Receive:
    """A ``receive`` that gives ``body``, and after it nothing."""
    waiting: list[Message] = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if not waiting:
            await anyio.sleep_forever()
        return waiting.pop()

    return receive


async def _nobody(_: Message) -> None:
    """Takes the answer that nobody waits for."""

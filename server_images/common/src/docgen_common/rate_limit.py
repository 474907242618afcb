"""Middleware: a key gets no more requests than its rate, and a tool no more calls.

Judged before the body is read, so a refusal costs next to nothing. The buckets are the key's alone: no header
that a caller can choose (``X-Forwarded-For`` least of all) leads to others. What needs no key (health) has no
rate. Which tool an older caller calls only its body says, and is judged behind this (``LegacyToolGate``);
what neither header nor body told in time, ``ToolRateLimit`` judges inside of the SDK.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.auth import current_key
from docgen_common.called_tool import RATED_STATE, TOOL_CALL, FindTool, called_tool
from docgen_common.errors import refusal
from docgen_common.rates import Limiter, NotCountedError, Verdict

RATE_LIMITED = -32013
"""JSON-RPC error: more requests than the rate of the key or of the tool allows."""

NOT_COUNTED = -32016
"""JSON-RPC error: what may change something cannot be counted now, and has a rate."""

VERDICT_STATE = "verdict"
"""Where in a request's state the verdict stands once the request was counted; one that has it is not counted
again."""


class RateLimit:
    """Answers 429 to what is too much; tells ``RateLimit`` with every answer that a rate applies to.

    What may change something is answered 503 while the limiter cannot count it.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, find_tool: FindTool | None = None) -> None:
        self._app = app
        self._limiter = limiter
        self._find_tool = find_tool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        try:
            verdict = None if scope["type"] == "lifespan" else await self._verdict(scope)
        except NotCountedError as error:
            await not_counted(scope["path"], error)(scope, receive, send)
            return
        if verdict is None:
            await self._app(scope, receive, send)
        elif verdict.allowed:
            await self._app(scope, receive, _with_headers(send, verdict))
        else:
            await rate_refusal(scope["path"], verdict)(scope, receive, send)

    async def _verdict(self, scope: Scope) -> Verdict | None:
        state = scope.setdefault("state", {})
        if VERDICT_STATE in state:
            return None
        name = called_tool(scope["headers"]) if self._find_tool is not None else None
        facts = self._find_tool(scope["path"], name) if self._find_tool is not None and name else None
        if facts is None:
            # A tool that is not known yet may be one that writes.
            verdict = await self._limiter.judge(state.get("key"), reads=name is None)
        else:
            verdict = await self._limiter.judge(state.get("key"), name, facts.rate, reads=facts.read_only)
            state[RATED_STATE] = name
        state[VERDICT_STATE] = verdict
        return verdict


def rate_refusal(path: str, verdict: Verdict, rpc_id: object = None) -> Response:
    """The answer 429 to a request for ``path``."""
    return refusal(
        path,
        429,
        RATE_LIMITED,
        "rate_limited",
        _message(verdict),
        headers={name.decode(): value.decode() for name, value in verdict.headers()},
        data=_data(verdict),
        rpc_id=rpc_id,
    )


def not_counted(path: str, error: NotCountedError, rpc_id: object = None) -> Response:
    """The answer 503 to a request for ``path`` that cannot be counted."""
    return refusal(
        path,
        503,
        NOT_COUNTED,
        "not_counted",
        _NOT_COUNTED_MESSAGE,
        headers={"Retry-After": str(error.retry_after_s)},
        data={"retryAfterSeconds": error.retry_after_s},
        rpc_id=rpc_id,
    )


class ToolRateLimit:
    """SDK middleware: judges the tool calls whose tool no header told."""

    def __init__(self, limiter: Limiter, find_tool: FindTool) -> None:
        self._limiter = limiter
        self._find_tool = find_tool

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass one message on. Raises MCPError (RATE_LIMITED, NOT_COUNTED) for a call that is refused."""
        if ctx.method == TOOL_CALL and isinstance(ctx.request, HTTPConnection):
            try:
                verdict = await self._verdict(ctx.request.scope, (ctx.params or {}).get("name"))
            except NotCountedError as error:
                data = {"retryAfterSeconds": error.retry_after_s}
                raise MCPError(NOT_COUNTED, _NOT_COUNTED_MESSAGE, data) from None
            if verdict is not None and not verdict.allowed:
                raise MCPError(RATE_LIMITED, _message(verdict), _data(verdict))
        return await call_next(ctx)

    async def _verdict(self, scope: Scope, name: Any) -> Verdict | None:
        if not isinstance(name, str) or scope.get("state", {}).get(RATED_STATE) == name:
            return None
        facts = self._find_tool(scope["path"], name)
        if facts is None:
            return None
        return await self._limiter.judge_tool(current_key(), name, facts.rate, reads=facts.read_only)


_NOT_COUNTED_MESSAGE = (
    "The store of rates does not answer, and what may change something is not let through uncounted."
    " Try again in a moment"
)


def _message(verdict: Verdict) -> str:
    whose = "this key" if verdict.name == "key" else "this tool"
    wait = f"{verdict.retry_after_s:.3g} s"
    return f"Too many requests: the rate of {whose} is {verdict.rate}. Try again in {wait}"


def _data(verdict: Verdict) -> dict[str, Any]:
    return {"retryAfterSeconds": round(verdict.retry_after_s, 3)}


def _with_headers(send: Send, verdict: Verdict) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *verdict.headers()]
        await send(message)

    return sending

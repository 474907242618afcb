"""Questions of servers to clients of older protocol eras that have a session.

Since 2026-07-28 a server asks by an ``input_required`` result, and the client calls again with the answers.
Before, it sends requests of its own while the call is open. Here the one becomes the other: each question
goes to the client on the stream of its call, and the call is made again with what it answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import INTERNAL_ERROR, ClientCapabilities, ServerRequest
from pydantic import BaseModel, ConfigDict, ValidationError

from docgen_orchestrator.session import Context

ANSWER_SECONDS = 600.0
"""How long a person may take for one question."""

ROUNDS = 16
"""How often one call may come back with further questions."""

_NEEDS: Mapping[str, Callable[[ClientCapabilities], object]] = {
    "elicitation/create": lambda known: known.elicitation,
    "sampling/createMessage": lambda known: known.sampling,
    "roots/list": lambda known: known.roots,
}
Ask = Callable[[Context], Awaitable[dict[str, Any]]]


class _Question(BaseModel):
    """A request as the server made it."""

    method: str
    params: dict[str, Any] | None = None


class _Answer(BaseModel):
    """A result as the client gave it; the SDK has checked it against the client's revision."""

    model_config = ConfigDict(extra="allow")


async def with_answers(ctx: Context, ask: Ask) -> dict[str, Any]:
    """What ``ask`` gives in the end, when the client of ``ctx`` has answered what it was asked meanwhile.

    A client that cannot be asked gets the questions' result as it is. Raises MCPError.
    """
    result = await ask(ctx)
    rounds = 0
    while result.get("resultType") == "input_required" and ctx.session.can_send_request:
        rounds += 1
        if rounds > ROUNDS:
            raise MCPError(INTERNAL_ERROR, f"The server asked more than {ROUNDS} times")
        questions = result.get("inputRequests") or {}
        answers = {name: await _answer(ctx, question) for name, question in questions.items()}
        params = {**(ctx.params or {}), "inputResponses": answers}
        params.pop("requestState", None)
        if "requestState" in result:
            params["requestState"] = result["requestState"]
        result = await ask(replace(ctx, params=params))
    return result


async def _answer(ctx: Context, raw: Any) -> dict[str, Any]:
    """The client's answer to one question, on the stream of its call."""
    try:
        question = _Question.model_validate(raw)
    except ValidationError:
        raise MCPError(INTERNAL_ERROR, "The server asked what is no question") from None
    known = ctx.session.client_capabilities
    needs = _NEEDS.get(question.method)
    if needs is None or known is None or needs(known) is None:
        raise MCPError(INTERNAL_ERROR, f"The server asks for {question.method}, which this client cannot do")
    try:
        answer = await ctx.session.send_request(
            cast("ServerRequest", question),
            _Answer,
            request_read_timeout_seconds=ANSWER_SECONDS,
            metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
        )
    except ValidationError:
        raise MCPError(
            INTERNAL_ERROR, f"The client's answer to {question.method} has another shape"
        ) from None
    return answer.model_dump()

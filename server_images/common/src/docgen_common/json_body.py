"""In front of the MCP endpoint: a body is one JSON-RPC message, in JSON proper, of the era its header says.

What the SDK's parsers let through would reach servers by others, whose parsers may not: ``NaN`` and
``Infinity``, halves of surrogate pairs, a name that stands twice in an object (its first value to one parser,
its last to another; RFC 8259, 4), ids that are no ids (which older eras would take for notifications, and
never answer). An envelope of 2026-07-28 without its header would be answered as an older client is. The
message is left in the request's state for what comes after; requests of 2026-07-28 are read here only where
their bytes look odd, as the SDK checks the rest of theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import HEADER_MISMATCH, INVALID_REQUEST, PARSE_ERROR, PROTOCOL_VERSION_META_KEY
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_VERSION = MCP_PROTOCOL_VERSION_HEADER.lower().encode()
_STATE = "mcp_message"
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ODD = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")


class JsonBody:
    """Answers 400 to what is no message; hands on the others, with the message in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        received = await _read(receive)
        body = b"".join(part.get("body", b"") for part in received)
        legacy = is_legacy(scope)
        odd = _ODD.search(body) or _has_twins(body)
        message = _message(body) if legacy or odd else {}
        refusal = message if isinstance(message, _Refusal) else _wrong(message, legacy)
        if refusal is not None:
            await refused(400, refusal.message, refusal.code, request_id=refusal.id)(scope, receive, send)
            return
        scope.setdefault("state", {})[_STATE] = message
        await self._app(scope, _replayed(received, receive), send)


def is_legacy(scope: Scope) -> bool:
    """Whether the SDK would serve this as an older era: a version of then, or none at all."""
    version = next((value for name, value in scope["headers"] if name == _VERSION), None)
    return version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS


def message_of(scope: Scope) -> Mapping[str, Any]:
    """The message in the body of a request of an older era; empty for one that is none of a client's."""
    message: Mapping[str, Any] = scope.get("state", {}).get(_STATE, {})
    return message


def refused(
    status: int,
    message: str,
    code: int = INVALID_REQUEST,
    *,
    request_id: str | int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON-RPC error, of the shape that the SDK gives for what it refuses."""
    error = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return Response(json.dumps(error), status, headers, "application/json")


@dataclass(frozen=True)
class _Refusal:
    """Why a body is not taken, and whose request it is, if that is known."""

    code: int
    message: str
    id: str | int | None = None


def _message(body: bytes) -> dict[str, Any] | _Refusal:
    try:
        message = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_unique)
        if _HALF.search(body):
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return _Refusal(PARSE_ERROR, "Parse error: the body is not JSON")
    if not isinstance(message, dict):
        return _Refusal(INVALID_REQUEST, "The body must be one JSON-RPC message; batches are not taken")
    return message


def _wrong(message: Mapping[str, Any], legacy: bool) -> _Refusal | None:
    number = message.get("id", 0)
    if "method" in message and (isinstance(number, bool) or not isinstance(number, str | int)):
        return _Refusal(INVALID_REQUEST, "The id of a request must be text or a whole number")
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, Mapping) else None
    if legacy and isinstance(meta, Mapping) and PROTOCOL_VERSION_META_KEY in meta:
        name = MCP_PROTOCOL_VERSION_HEADER
        told = f"{name} header does not match the request envelope's version"
        return _Refusal(HEADER_MISMATCH, told, message.get("id"))
    return None


def _has_twins(body: bytes) -> bool:
    """Whether a name stands twice in an object; what is no JSON at all is left for others to say."""
    try:
        json.loads(body, object_pairs_hook=_unique)
    except _TwinsError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


class _TwinsError(ValueError):
    """A name stands twice in an object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwinsError("a name stands twice in an object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def _read(receive: Receive) -> list[Message]:
    """The messages that make up the request's body; its size is bounded further out."""
    received: list[Message] = []
    while True:
        received.append(await receive())
        if received[-1]["type"] != "http.request" or not received[-1].get("more_body", False):
            return received


def _replayed(received: list[Message], receive: Receive) -> Receive:
    waiting = iter(received)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again

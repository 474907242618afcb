"""Takes the plainest form of a request apart; None for every other form. No I/O.

What is required is what the SDK's checks for the revision require (2026-07-28, basic/index, "Per-request
protocol fields" and transports, "Standard Headers"), in the one spelling that clients use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from docgen_common.correlation import CORRELATION_ID, TRACEPARENT
from msgspec import UNSET, Raw, Struct, UnsetType, field

from docgen_orchestrator import known_heads
from docgen_orchestrator.fast.meta import Meta, is_object, named_once, read_meta
from docgen_orchestrator.upstream import WIRE_VERSION

CALL, LIST = b"tools/call", b"tools/list"
MOST_BODY_BYTES = 1024 * 1024
"""Larger bodies are handed over: what they cost lies elsewhere."""

_VERSION = WIRE_VERSION.encode()
_JSON = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)
_UNUSUAL = frozenset({b"origin", b"expect", b"upgrade", b"mcp-session-id", b"content-encoding"})
_USUAL = frozenset(
    {
        *(b"host", b"authorization", b"accept", b"accept-encoding", b"connection", b"user-agent"),
        *(b"content-type", b"content-length", b"mcp-protocol-version", b"mcp-method", b"mcp-name"),
        *(b"x-correlation-id", b"traceparent", b"tracestate"),
        *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
    }
)
_PARAM = b"mcp-param-"
_ESCAPED_COLON = re.compile(rb"\\u003[aA]")
_MOST_KEY_BYTES = 512


class Params(Struct, forbid_unknown_fields=True):
    """The parameters of a call; one with any others is for the application."""

    meta: Raw = field(name="_meta")
    name: str = ""
    arguments: Raw | UnsetType = UNSET
    input_responses: Raw | UnsetType = field(default=UNSET, name="inputResponses")
    request_state: Raw | UnsetType = field(default=UNSET, name="requestState")


class Message(Struct, forbid_unknown_fields=True):
    """What the body says."""

    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call", "tools/list"]
    params: Params


class Request(Struct, frozen=True, gc=False):
    """A whole request: its id as JSON, its ``_meta``, and the rest of the parameters but for the name.

    ``rest`` is JSON that may follow another member, comma first.
    """

    id: bytes
    meta: Meta
    rest: bytes


class Head(NamedTuple):
    """The head of a request: ``name`` is the tool's, empty for a list, as ``correlation_id`` may be."""

    method: bytes
    name: bytes
    key: str | None
    host: bytes
    correlation_id: bytes
    traceparent: bytes

    def without(self, message: known_heads.Message) -> Head | None:
        """The head without the lines that ``message`` has cut out; None when they said something else."""
        correlation_id, trace = message.correlation_id, message.traceparent
        if (correlation_id and correlation_id != self.correlation_id) or (
            trace and trace != self.traceparent
        ):
            return None
        return self._replace(
            correlation_id=b"" if correlation_id else self.correlation_id,
            traceparent=b"" if trace else self.traceparent,
        )

    def of(self, message: known_heads.Message) -> Head | None:
        """The head with the lines that ``message`` has cut out; None when one would stand there twice."""
        correlation_id, trace = message.correlation_id, message.traceparent
        if not correlation_id and not trace:
            return self
        if (correlation_id and self.correlation_id) or (trace and self.traceparent):
            return None
        method, name, key, host, own, own_trace = self
        return Head(method, name, key, host, correlation_id or own, trace or own_trace)


_DECODE = msgspec.json.Decoder(Message).decode
_ENCODE = msgspec.json.Encoder().encode
_METHODS = {CALL: "tools/call", LIST: "tools/list"}
_OUTER_COLONS = 5
"""After the names jsonrpc, id, method, params and _meta."""


def read_head(headers: Sequence[tuple[bytes, bytes]]) -> Head | None:
    """The head of a request that the raw path may answer."""
    lines = dict(headers)
    if len(lines) != len(headers) or lines.get(b"mcp-protocol-version") != _VERSION:
        return None
    method = lines.get(b"mcp-method")
    name = lines.get(b"mcp-name", b"")
    if (method != CALL or not name) and (method != LIST or name):
        return None
    if lines.get(b"content-type") not in _JSON or not _takes_both(lines.get(b"accept", b"")):
        return None
    if not lines.keys() <= _USUAL and (not _UNUSUAL.isdisjoint(lines) or _PARAM in b"\n".join(lines)):
        return None
    correlation_id = lines.get(b"x-correlation-id", b"")
    traceparent = lines.get(b"traceparent", b"")
    return Head(
        method or b"",
        name,
        _key(lines),
        lines.get(b"host", b""),
        correlation_id if CORRELATION_ID.fullmatch(correlation_id) else b"",
        traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else b"",
    )


def _key(lines: Mapping[bytes, bytes]) -> str | None:
    """The key in the one line that clients use for it; whoever uses another is served by the application."""
    line = lines.get(b"authorization", b"")
    if not line.startswith(b"Bearer ") or b"x-api-key" in lines or len(line) > _MOST_KEY_BYTES:
        return None
    return line[7:].decode("latin-1")


def read_request(body: bytes, head: Head) -> Request | None:
    """The request in ``body`` if it is well-formed and says the same as its head."""
    try:
        if not body.isascii():
            body.decode()
        message = _DECODE(body)
        params = message.params
        if message.method != _METHODS[head.method] or params.name.encode() != head.name:
            return None
        if b"\\u003" in body and _ESCAPED_COLON.search(body):
            return None
        raw = bytes(params.meta)
        meta = read_meta(raw)
        rest = _rest(params)
        if meta is None or rest is None or (head.method == LIST and rest):
            return None
        id_ = b"%d" % message.id if isinstance(message.id, int) else _ENCODE(message.id)
        inside = raw.count(b":") + rest.count(b":") + head.name.count(b":") + id_.count(b":")
        # One more colon than there are names and texts to have one: something stands there twice.
        if body.count(b":") != _OUTER_COLONS + inside + (1 if head.name else 0):
            return None
        return Request(id_, meta, rest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None


def _rest(params: Params) -> bytes | None:
    """The parameters of a call but for name and ``_meta``; None when they are not plain."""
    arguments = params.arguments
    if arguments is UNSET:
        rest = b""
    else:
        raw = bytes(arguments)
        if not is_object(arguments) or not named_once(raw):
            return None
        rest = b',"arguments":' + raw
    if params.input_responses is UNSET and params.request_state is UNSET:
        return rest
    for name, value in ((b"inputResponses", params.input_responses), (b"requestState", params.request_state)):
        if value is not UNSET:
            raw = bytes(value)
            if not named_once(raw):
                return None
            rest += b',"%b":%b' % (name, raw)
    return rest


def _takes_both(accept: bytes) -> bool:
    return b"application/json" in accept and b"text/event-stream" in accept and b";" not in accept

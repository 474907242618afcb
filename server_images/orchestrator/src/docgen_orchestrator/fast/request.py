"""Takes the plainest form of a request apart; None for every other form. No I/O.

What is required is what the SDK's checks for the revision require (2026-07-28, basic/index, "Per-request
protocol fields" and transports, "Standard Headers"), in the one spelling that clients use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)
from msgspec import UNSET, Raw, Struct, UnsetType, field

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
_CORRELATION = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_PARAM = b"mcp-param-"
_ESCAPED_COLON = b"\\u003"
_MOST_KEY_BYTES = 512


class Params(Struct, forbid_unknown_fields=True, omit_defaults=True):
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


class Envelope(Struct):
    """What is looked at in ``_meta``."""

    version: Literal["2026-07-28"] = field(name=PROTOCOL_VERSION_META_KEY)
    capabilities: Raw = field(name=CLIENT_CAPABILITIES_META_KEY)
    client: Raw | UnsetType = field(default=UNSET, name=CLIENT_INFO_META_KEY)
    log_level: Raw | UnsetType = field(default=UNSET, name=LOG_LEVEL_META_KEY)
    token: int | str | UnsetType = field(default=UNSET, name="progressToken")


class Request(NamedTuple):
    """A whole request: the id and the progress token as JSON, the token empty where there is none."""

    id: bytes
    token: bytes
    params: Params


class Head(NamedTuple):
    """The head of a request: ``name`` is the tool's, empty for a list, as ``correlation_id`` may be."""

    method: bytes
    name: bytes
    key: str | None
    host: bytes
    correlation_id: bytes
    traceparent: bytes


_DECODE = msgspec.json.Decoder(Message).decode
_DECODE_ANY = msgspec.json.Decoder().decode
_DECODE_ENVELOPE = msgspec.json.Decoder(Envelope).decode
_ENCODE = msgspec.json.Encoder().encode
_BRACE = ord("{")
_TOKEN = b'"progressToken"'
_OLD_TOKEN = re.compile(rb'\s*:\s*(?:"[^"]*"|-?[0-9]+)(?=\s*[,}])')
_MOST_KEPT, _LONGEST_KEPT = 64, 2048
_plain: set[bytes] = set()


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
        correlation_id if _CORRELATION.fullmatch(correlation_id) else b"",
        traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else b"",
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
        if message.method.encode() != head.method or params.name.encode() != head.name:
            return None
        if not _named_once(body):
            return None
        if not _is_object(params.arguments) or (head.method == LIST and not _bare(params)):
            return None
        token = _token(params.meta)
        return None if token is None else Request(_ENCODE(message.id), token, params)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None


def _named_once(body: bytes) -> bool:
    """Whether no object in the message has a name twice, which the server might read otherwise than this.

    What is written anew has each name once, and so a colon less for each that stood twice. Texts have the
    same colons in both, but for those that are written as an escape.
    """
    return _ESCAPED_COLON not in body and body.count(b":") == _ENCODE(_DECODE_ANY(body)).count(b":")


def _token(meta: Raw) -> bytes | None:
    """The progress token in ``_meta`` as JSON, empty for none; None for a ``_meta`` that is not plain.

    Clients send the same ``_meta`` with every request but for tokens, so those without one are remembered.
    """
    raw = bytes(meta)
    if raw in _plain:
        return b""
    envelope = _DECODE_ENVELOPE(raw)
    if envelope.log_level is not UNSET:
        return None
    if not (_is_object(envelope.capabilities) and _is_object(envelope.client)):
        return None
    if envelope.token is not UNSET:
        return _ENCODE(envelope.token)
    if len(raw) <= _LONGEST_KEPT:
        if len(_plain) >= _MOST_KEPT:
            _plain.clear()
        _plain.add(raw)
    return b""


def with_token(meta: Raw, token: bytes) -> Raw:
    """``_meta`` with another progress token (JSON), and all else in it as it was.

    Where its name stands once, and nothing is escaped, the old one is cut out; else ``_meta`` is taken apart.
    """
    raw = bytes(meta)
    if raw.count(_TOKEN) == 1 and b"\\" not in raw:
        before, _, after = raw.partition(_TOKEN)
        old = _OLD_TOKEN.match(after)
        if old is not None:
            return Raw(b"%b%b:%b%b" % (before, _TOKEN, token, after[old.end() :]))
    fields = msgspec.json.decode(meta, type=dict[str, Raw])
    fields["progressToken"] = Raw(token)
    return Raw(_ENCODE(fields))


def _is_object(value: Raw | UnsetType) -> bool:
    return value is UNSET or memoryview(value)[0] == _BRACE


def _bare(params: Params) -> bool:
    rest = (params.arguments, params.input_responses, params.request_state)
    return not params.name and all(value is UNSET for value in rest)


def _takes_both(accept: bytes) -> bool:
    return b"application/json" in accept and b"text/event-stream" in accept and b";" not in accept

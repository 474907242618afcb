"""Takes the plainest form of a request apart; None for every other form. No I/O.

What is required is what the SDK's checks for the revision require (2026-07-28, basic/index, "Per-request
protocol fields" and transports, "Standard Headers"), in the one spelling that clients use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from docgen_common.auth import presented_key
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from msgspec import Raw

from docgen_orchestrator.upstream import WIRE_VERSION

CALL, LIST = b"tools/call", b"tools/list"
MOST_BODY_BYTES = 1024 * 1024
"""Larger bodies are handed over: what they cost lies elsewhere."""

_VERSION = WIRE_VERSION.encode()
_JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
_UNUSUAL = (b"origin", b"expect", b"upgrade", b"mcp-session-id", b"content-encoding")
_CORRELATION = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ID = re.compile(rb'-?[0-9]{1,18}|"[^"\\\x00-\x1f]{0,256}"')
_PARAM = b"mcp-param-"
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)

Fields = dict[str, Raw]
"""An object whose values were not looked into."""


class Head(NamedTuple):
    """What the header lines say: ``name`` is the tool's, empty for a list; ``correlation_id`` may be empty."""

    method: bytes
    name: bytes
    key: str | None
    host: bytes
    correlation_id: bytes
    traceparent: bytes


class Message(NamedTuple):
    """What the body says: the id as it was written, the parameters, and the ``_meta`` among them."""

    id: bytes
    params: Fields
    meta: Fields


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
    for line in lines:
        if line.startswith(_PARAM) or line in _UNUSUAL:
            return None
    correlation_id = lines.get(b"x-correlation-id", b"")
    traceparent = lines.get(b"traceparent", b"")
    return Head(
        method or b"",
        name,
        presented_key(headers),
        lines.get(b"host", b""),
        correlation_id if _CORRELATION.fullmatch(correlation_id) else b"",
        traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else b"",
    )


def read_message(body: bytes, head: Head) -> Message | None:
    """The message in ``body`` if it is well-formed and says the same as its head."""
    try:
        if not body.isascii():
            body.decode()
        message = _OBJECT.decode(body)
        if len(message) != 4 or bytes(message["jsonrpc"]) != b'"2.0"':
            return None
        if bytes(message["method"]) != b'"%b"' % head.method:
            return None
        params = _OBJECT.decode(message["params"])
        meta = _OBJECT.decode(params["_meta"])
        id_ = bytes(message["id"])
        if not _ID.fullmatch(id_) or not _is_modern(meta):
            return None
        return Message(id_, params, meta) if _fits(params, head) else None
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        return None


def _takes_both(accept: bytes) -> bool:
    return b"application/json" in accept and b"text/event-stream" in accept and b";" not in accept


def _is_modern(meta: Mapping[str, Raw]) -> bool:
    if bytes(meta[PROTOCOL_VERSION_META_KEY]) != b'"%b"' % _VERSION:
        return False
    told = meta.get(CLIENT_INFO_META_KEY)
    return bytes(meta[CLIENT_CAPABILITIES_META_KEY])[:1] == b"{" and (told is None or bytes(told)[:1] == b"{")


def _fits(params: Mapping[str, Raw], head: Head) -> bool:
    if head.method == LIST:
        return params.keys() == {"_meta"}
    arguments = params.get("arguments")
    if arguments is not None and bytes(arguments)[:1] != b"{":
        return False
    return _TEXT.decode(params["name"]).encode() == head.name

"""``_meta`` of a raw request: checked, and cut open where servers are to read another progress token. No I/O.

Theory of operation. A client sends the same ``_meta`` with every request but for the token. So what was
checked once is remembered with a hole in the place of the token, and the next one needs to be looked at only
as far as the hole. Whatever has not this form (escapes, a token within something else, a trace of its own)
is taken apart and written anew. Nothing here may hold a colon that is written as an escape: the caller has
looked.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)
from msgspec import UNSET, Raw, Struct, UnsetType, field

from docgen_orchestrator.trace import CORRELATION_META_KEY, well_formed_trace

_TOKEN, _TRACE = b'"progressToken"', b'"traceparent"'
_PLAIN_TOKEN = re.compile(rb'\s*:\s*("[A-Za-z0-9 ._:/+=-]{0,128}"|-?(?:0|[1-9][0-9]{0,17}))(?=\s*[,}])')
_ADDED = b',"' + CORRELATION_META_KEY.encode() + b'":"'
_MOST_KEPT, _LONGEST_KEPT = 64, 2048
_BRACE = ord("{")
_ENCODE = msgspec.json.Encoder().encode
_DECODE_ANY = msgspec.json.Decoder().decode
_known: set[bytes] = set()


class Envelope(Struct):
    """What is looked at in ``_meta``."""

    version: Literal["2026-07-28"] = field(name=PROTOCOL_VERSION_META_KEY)
    capabilities: Raw = field(name=CLIENT_CAPABILITIES_META_KEY)
    client: Raw | UnsetType = field(default=UNSET, name=CLIENT_INFO_META_KEY)
    log_level: Raw | UnsetType = field(default=UNSET, name=LOG_LEVEL_META_KEY)
    token: int | str | UnsetType = field(default=UNSET, name="progressToken")
    trace: Raw | UnsetType = field(default=UNSET, name="traceparent")


_DECODE_ENVELOPE = msgspec.json.Decoder(Envelope).decode


class Meta(Struct, frozen=True, gc=False):
    """``_meta`` as JSON: what stands before and after the progress token, without the last brace.

    ``token`` is the caller's, as JSON, empty for none. ``trace`` is the ``traceparent`` in it, empty for one
    that is not well-formed, None for none.
    """

    before: bytes
    after: bytes
    token: bytes
    trace: bytes | None

    def told(self, token: bytes, correlation_id: bytes, trace: bytes) -> bytes:
        """``_meta`` for a server: another token (JSON), the correlation id, and ``trace`` if it has none."""
        if trace and self.trace is None:
            return b'%b%b%b%b%b","traceparent":"%b"}' % (
                *(self.before, token, self.after),
                *(_ADDED, correlation_id, trace),
            )
        return b'%b%b%b%b%b"}' % (self.before, token, self.after, _ADDED, correlation_id)


def read_meta(raw: bytes) -> Meta | None:
    """A ``_meta`` that the raw path may pass on. Raises MsgspecError for one that is of another form."""
    at = raw.find(_TOKEN)
    if at < 0:
        pattern, meta = raw, Meta(raw[:-1], b"", b"", None)
    else:
        found = _PLAIN_TOKEN.match(raw, at + len(_TOKEN))
        if found is None:
            return _read_slowly(raw)
        begin, end = found.span(1)
        before, after = raw[:begin], raw[end:]
        pattern, meta = before + b"\0" + after, Meta(before, after[:-1], raw[begin:end], None)
    if pattern in _known:
        return meta
    if not _has_holes_alone(raw):
        return _read_slowly(raw)
    envelope = _checked(raw)
    if envelope is None:
        return None
    if (b"" if envelope.token is UNSET else _ENCODE(envelope.token)) != meta.token:
        return _read_slowly(raw)
    if len(pattern) <= _LONGEST_KEPT:
        if len(_known) >= _MOST_KEPT:
            _known.clear()
        _known.add(pattern)
    return meta


def named_once(raw: bytes) -> bool:
    """Whether no object in ``raw`` has a name twice, which another reader might understand otherwise.

    What is written anew has each name once, and so a colon less for each that stood twice. Texts have the
    same colons in both, but for those that are written as an escape: these must not be there.
    """
    colons = raw.count(b":")
    return colons < 2 or colons == _ENCODE(_DECODE_ANY(raw)).count(b":")


def _has_holes_alone(raw: bytes) -> bool:
    """Whether only the token in it differs from one request to the next, and stands for itself."""
    return raw.count(_TOKEN) <= 1 and b"\\" not in raw and _TRACE not in raw


def _read_slowly(raw: bytes) -> Meta | None:
    envelope = _checked(raw)
    if envelope is None:
        return None
    fields = msgspec.json.decode(raw, type=dict[str, Raw])
    token = fields.pop("progressToken", None)
    trace = None
    if envelope.trace is not UNSET:
        trace = well_formed_trace(bytes(envelope.trace))
    before = _ENCODE(fields)[:-1]
    if token is None:
        return Meta(before, b"", b"", trace)
    return Meta(before + b',"progressToken":', b"", _ENCODE(envelope.token), trace)


def _checked(raw: bytes) -> Envelope | None:
    envelope = _DECODE_ENVELOPE(raw)
    plain = envelope.log_level is UNSET and is_object(envelope.capabilities) and is_object(envelope.client)
    return envelope if plain and named_once(raw) else None


def is_object(value: Raw | UnsetType) -> bool:
    """Whether a piece of JSON is an object, or is not there."""
    return value is UNSET or memoryview(value)[0] == _BRACE

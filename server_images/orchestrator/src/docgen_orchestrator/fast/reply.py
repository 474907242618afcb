"""What a server sends, turned into what its caller gets; insides stay bytes. No I/O.

The caller's id and progress token take the place of ours, the server's name in ``_meta`` that of this one,
and the id of a task is made to name its server. All else is as the server wrote it.
"""

from __future__ import annotations

import json

import msgspec
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import SERVER_INFO_META_KEY
from msgspec import UNSET, Raw, Struct, UnsetType

from docgen_orchestrator import task_ids
from docgen_orchestrator.failures import Failure
from docgen_orchestrator.http1 import ConnectionLostError

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_NULL = b"null"
_MOST_STAMPS = 16
_COMPLETE, _TRUE = Raw(b'"complete"'), Raw(b"true")
_PROGRESS = b'"notifications/progress"'


class Answer(Struct, frozen=True, gc=False):
    """A whole message for the caller; ``outcome`` is ``ok``, ``error`` (the tool's own) or ``failed``."""

    body: bytes
    status: int
    outcome: str


class Message(Struct):
    """What a server sends: an answer, or a notification."""

    id: int | str | None = None
    result: dict[str, Raw] | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    method: Raw | UnsetType = UNSET
    params: Raw | UnsetType = UNSET


class Stamps:
    """Puts this server's name in the place of the one that answered, in ``_meta``.

    Servers send the same ``_meta`` with nearly every answer, so the last few are kept with their outcome.
    """

    def __init__(self, stamp: Raw) -> None:
        self._stamp = stamp
        self._known: dict[bytes, Raw] = {}

    def on(self, meta: Raw | None) -> Raw:
        """``meta`` of a result with our name in it. Raises ConnectionLostError when it is no object."""
        raw = b"{}" if meta is None else bytes(meta)
        found = self._known.get(raw)
        if found is None:
            fields = _fields(raw) if raw != _NULL else {}
            fields[SERVER_INFO_META_KEY] = self._stamp
            if len(self._known) >= _MOST_STAMPS:
                self._known.clear()
            found = self._known[raw] = Raw(_ENCODE(fields))
        return found


class Wanted(Struct, frozen=True, gc=False):
    """Whom an answer is for: our id, the caller's, both progress tokens as JSON (empty for none).

    ``server`` is the one that was asked; ``stamps`` puts our name in the place of its own.
    """

    own_id: int
    id: bytes
    own_token: bytes
    token: bytes
    server: str
    stamps: Stamps


_DECODE = msgspec.json.Decoder(Message).decode


def read_event(data: bytes, wanted: Wanted) -> Answer | bytes | None:
    """One event of a stream: the answer, progress to pass on, or None for what is not to be passed on.

    Raises ConnectionLostError when it is nothing that a server may send.
    """
    message = _message(data)
    if message.method is UNSET:
        return _answer(message, wanted)
    if message.id is not None or bytes(message.method) != _PROGRESS:
        return None
    params = _fields(b"{}" if message.params is UNSET else message.params)
    if not wanted.token or bytes(params.get("progressToken", _NULL)) != wanted.own_token:
        return None
    params["progressToken"] = Raw(wanted.token)
    return b'{"jsonrpc":"2.0","method":"notifications/progress","params":%b}' % _ENCODE(params)


def read_answer(body: bytes, wanted: Wanted) -> Answer:
    """The answer in a whole body. Raises ConnectionLostError when it is none, or another request's."""
    return _answer(_message(body), wanted)


def failed(id_: bytes, failure: Failure) -> Answer:
    """The answer to a call that the server did not answer."""
    error = {"code": failure.code, "message": failure.message, "data": failure.data}
    return Answer(_error(id_, _ENCODE(error)), failure.status, "failed")


def _answer(message: Message, wanted: Wanted) -> Answer:
    if message.id != wanted.own_id and not (message.id is None and message.error is not UNSET):
        raise ConnectionLostError(True, "the reply belongs to another request")
    if message.error is not UNSET:
        return _error_answer(bytes(message.error), wanted)
    if message.result is UNSET:
        raise ConnectionLostError(True, "the reply is not a message")
    result = message.result
    kind = result.get("resultType")
    if kind is None:
        result["resultType"] = _COMPLETE
    elif kind != _COMPLETE and bytes(kind) == b'"task"':
        result = _fields(
            json.dumps(task_ids.for_callers(wanted.server, json.loads(_ENCODE(result)))).encode()
        )
    result["_meta"] = wanted.stamps.on(result.get("_meta"))
    outcome = "error" if result.get("isError") == _TRUE else "ok"
    return Answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (wanted.id, _ENCODE(result)), 200, outcome)


def _error_answer(raw: bytes, wanted: Wanted) -> Answer:
    try:
        error = msgspec.json.decode(raw, type=dict[str, Raw])
        code = msgspec.json.decode(error["code"], type=int)
    except (msgspec.MsgspecError, KeyError):
        return Answer(_error(wanted.id, b'{"code":-32603,"message":""}'), 200, "failed")
    return Answer(_error(wanted.id, raw), ERROR_CODE_HTTP_STATUS.get(code, 200), "failed")


def _error(id_: bytes, error: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (id_, error)


def _message(data: bytes) -> Message:
    try:
        return _DECODE(data)
    except (msgspec.MsgspecError, RecursionError):
        raise ConnectionLostError(True, "the reply is not a message") from None


def _fields(data: bytes | Raw) -> dict[str, Raw]:
    try:
        return _OBJECT.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        raise ConnectionLostError(True, "the reply is not a message") from None

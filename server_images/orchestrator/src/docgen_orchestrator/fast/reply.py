"""What a server sends, turned into what its caller gets; insides stay bytes. No I/O.

The caller's id and progress token take the place of ours, the server's name in ``_meta`` that of this one,
and the id of a task is made to name its server. All else is as the server wrote it.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import SERVER_INFO_META_KEY
from msgspec import Raw

from docgen_orchestrator import task_ids
from docgen_orchestrator.failures import Failure
from docgen_orchestrator.http1 import ConnectionLostError

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_NULL = b"null"
_COMPLETE = Raw(b'"complete"')
_PROGRESS = b'"notifications/progress"'


class Answer(NamedTuple):
    """A whole message for the caller; ``outcome`` is ``ok``, ``error`` (the tool's own) or ``failed``."""

    body: bytes
    status: int
    outcome: str


class Wanted(NamedTuple):
    """Whom an answer is for: our id, the caller's, both progress tokens as JSON (empty for none), our name.

    ``server`` is the one that was asked, ``stamp`` the JSON of what stands for it in ``_meta``.
    """

    own_id: bytes
    id: bytes
    own_token: bytes
    token: bytes
    server: str
    stamp: Raw


def read_event(data: bytes, wanted: Wanted) -> Answer | bytes | None:
    """One event of a stream: the answer, progress to pass on, or None for what is not to be passed on.

    Raises ConnectionLostError when it is nothing that a server may send.
    """
    message = _fields(data)
    if "method" not in message:
        return _answer(message, wanted)
    if "id" in message or bytes(message["method"]) != _PROGRESS:
        return None
    params = _fields(message.get("params", b"{}"))
    if not wanted.token or bytes(params.get("progressToken", _NULL)) != wanted.own_token:
        return None
    params["progressToken"] = Raw(wanted.token)
    return b'{"jsonrpc":"2.0","method":"notifications/progress","params":%b}' % _ENCODE(params)


def read_answer(body: bytes, wanted: Wanted) -> Answer:
    """The answer in a whole body. Raises ConnectionLostError when it is none, or another request's."""
    return _answer(_fields(body), wanted)


def failed(id_: bytes, failure: Failure) -> Answer:
    """The answer to a call that the server did not answer."""
    error = {"code": failure.code, "message": failure.message, "data": failure.data}
    return Answer(_error(id_, _ENCODE(error)), failure.status, "failed")


def _answer(message: dict[str, Raw], wanted: Wanted) -> Answer:
    own = bytes(message.get("id", _NULL))
    if own != wanted.own_id and not (own == _NULL and "error" in message):
        raise ConnectionLostError(True, "the reply belongs to another request")
    if "error" in message:
        return _error_answer(bytes(message["error"]), wanted)
    result = _fields(message.get("result", b""))
    kind = result.get("resultType")
    if kind is None:
        result["resultType"] = _COMPLETE
    elif bytes(kind) == b'"task"':
        result = _fields(
            json.dumps(task_ids.for_callers(wanted.server, json.loads(_ENCODE(result)))).encode()
        )
    meta = _fields(result["_meta"]) if bytes(result.get("_meta", _NULL)) != _NULL else {}
    meta[SERVER_INFO_META_KEY] = wanted.stamp
    result["_meta"] = Raw(_ENCODE(meta))
    outcome = "error" if bytes(result.get("isError", _NULL)) == b"true" else "ok"
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


def _fields(data: bytes | Raw) -> dict[str, Raw]:
    try:
        return _OBJECT.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        raise ConnectionLostError(True, "the reply is not a message") from None

"""JSON-RPC messages: lines to objects and back, and the errors that we answer with ourselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docgenctl.endpoint.wire import META
from docgenctl.model.errors import DocgenError, NotHealthyError

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INTERNAL_ERROR = -32603
#: The stack, or the server behind it, cannot be reached; the orchestrator answers the same.
UNAVAILABLE = -32010


class RefusalError(Exception):
    """Answers one request with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


class BadMessageError(RefusalError):
    """What came is no message; `request_id` is what could still be made out of it."""

    def __init__(self, code: int, message: str, request_id: Any = None) -> None:
        super().__init__(code, message)
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `line` as it came, `body` as it reads."""

    line: bytes
    body: Mapping[str, Any]

    @property
    def method(self) -> str:
        """Empty for a response."""
        return str(self.body.get("method", ""))

    @property
    def id(self) -> Any:
        """None for a notification."""
        return self.body.get("id")

    @property
    def params(self) -> Mapping[str, Any]:
        """Empty when there are none."""
        found = self.body.get("params")
        return found if isinstance(found, dict) else {}

    @property
    def meta(self) -> Mapping[str, Any]:
        """`_meta` of the parameters."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}

    @property
    def revision(self) -> str:
        """The revision that the request's envelope names, empty for requests of the handshake revisions."""
        found = self.meta.get(META + "protocolVersion")
        return found if isinstance(found, str) and self.method != "initialize" else ""


def parse(line: bytes) -> Message:
    """The message in a line. Raises BadMessageError with what JSON-RPC 2.0 wants answered."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise BadMessageError(PARSE_ERROR, "Parse error: the line is not JSON") from None
    if isinstance(body, list):
        raise BadMessageError(INVALID_REQUEST, "Invalid request: batches are not part of MCP any more")
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise BadMessageError(INVALID_REQUEST, "Invalid request: the line is no JSON-RPC 2.0 message")
    _check(body)
    return Message(line, body)


def received(line: bytes) -> Message:
    """The message in a line of the stack. Raises NotHealthyError (`protocol`)."""
    try:
        return parse(line)
    except BadMessageError as error:
        raise NotHealthyError(
            "what the stack answers is not JSON-RPC",
            code="protocol",
            hint="'docgenctl health' shows which layer is to blame.",
            details=(str(error),),
        ) from None


def _check(body: Mapping[str, Any]) -> None:
    identity = body.get("id")
    named = isinstance(identity, str | int | float) and not isinstance(identity, bool)
    known = identity if named else None
    if "method" not in body:
        if known is None or ("result" not in body and "error" not in body):
            raise BadMessageError(INVALID_REQUEST, "Invalid request: there is no method in it", known)
    elif not isinstance(body["method"], str) or ("id" in body and not named):
        raise BadMessageError(INVALID_REQUEST, "Invalid request: method and id must be text", known)
    elif not isinstance(body.get("params", {}), dict):
        raise BadMessageError(INVALID_REQUEST, "Invalid request: params must be an object", known)


def one_line(text: bytes) -> bytes:
    """JSON on one line: line ends cannot be part of a JSON string, so they are only white space."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in text or b"\r" in text else text


def encoded(body: Mapping[str, Any]) -> bytes:
    """A message as a line without its end. Raises ValueError for numbers that JSON cannot carry."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def result(request_id: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """A response with a result."""
    return {"jsonrpc": "2.0", "id": request_id, "result": value}


def failure(request_id: Any, error: Mapping[str, Any]) -> dict[str, Any]:
    """A response with an error."""
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def notification(method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A notification."""
    return {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}


def unavailable(error: DocgenError) -> RefusalError:
    """The stack's not answering, as clients show it to people: what is wrong, then what to type."""
    words = f"{error.message}; {error.hint}" if error.hint else error.message
    return RefusalError(UNAVAILABLE, words, {"code": error.code, "hint": error.hint})

"""What can go wrong between a client and the stack, each with the sentence that users read."""

import json
import re
import ssl
from typing import Any

from docgenctl.endpoint.address import Endpoint
from docgenctl.model.errors import NotHealthyError

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_LONGEST_QUOTE = 500
_LARGE_BODY = 2**20
_BEHIND_THE_GATEWAY = frozenset({502, 503, 504})


#: What the orchestrator answers for a server that it cannot reach.
_UNAVAILABLE = -32010


class RpcError(NotHealthyError):
    """The server answered with a JSON-RPC error; `rpc_code` and `data` are the server's."""

    default_code = "rpc_error"

    def __init__(
        self,
        message: str,
        *,
        rpc_code: int,
        hint: str = "",
        data: Any = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.rpc_code = rpc_code
        self.data = data


def printable(text: str) -> str:
    """A server's text, fit to be shown: no control characters that a terminal would obey, not endless."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= _LONGEST_QUOTE else shown[: _LONGEST_QUOTE - 1] + "…"


def unreachable(endpoint: Endpoint, error: OSError) -> NotHealthyError:
    """Nobody accepts connections there."""
    reason = error.strerror or str(error) or type(error).__name__
    return NotHealthyError(
        f"nothing answers at {endpoint.authority}: {reason}",
        code="unreachable",
        hint="'docgenctl status' shows what runs, 'docgenctl up' starts it.",
    )


def tls_failed(endpoint: Endpoint, error: ssl.SSLError) -> NotHealthyError:
    """Somebody answers, but cannot prove to be our gateway."""
    reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
    return NotHealthyError(
        f"TLS with {endpoint.authority} failed: {reason} (trusting {endpoint.ca_file})",
        code="tls",
        hint="Another program or stack may hold that port; 'docgenctl up' renews the gateway's certificate.",
    )


def no_trust(endpoint: Endpoint, error: OSError) -> NotHealthyError:
    """The root certificate is missing or damaged."""
    reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
    return NotHealthyError(
        f"the root certificate cannot be read from {endpoint.ca_file}: {reason}",
        code="ca_missing",
        hint="'docgenctl up' makes one.",
    )


def broken_off(endpoint: Endpoint, details: tuple[str, ...] = (), *, sent_bytes: int = 0) -> NotHealthyError:
    """The connection ended before the answer did, to a request with a body of that size.

    Who refuses a body unread resets the connection, and its answer may be lost with that (RFC 9112, 9.6).
    """
    hint = "'docgenctl logs' shows whether a server was restarted or killed; then try again."
    if sent_bytes > _LARGE_BODY:
        size = f"{sent_bytes / 2**20:.0f} MiB"
        hint = f"A request of {size} may be more than gateway/max_body in docgen.yaml lets in. Else {hint}"
    return NotHealthyError(
        f"{endpoint.authority} closed the connection before the answer was complete",
        code="connection_closed",
        hint=hint,
        details=details,
    )


def silent(endpoint: Endpoint, timeout_s: float) -> NotHealthyError:
    """Not a byte for too long."""
    return NotHealthyError(
        f"{endpoint.authority} was silent for {timeout_s:g} s",
        code="timed_out",
        hint="'docgenctl health' shows which layer hangs.",
    )


def not_the_protocol(endpoint: Endpoint, what: str, details: tuple[str, ...] = ()) -> NotHealthyError:
    """An answer that is not MCP."""
    return NotHealthyError(
        f"{endpoint.authority} did not answer as an MCP server: {what}",
        code="protocol",
        hint="Something else may listen on that port; 'docgenctl endpoint' shows the right address.",
        details=details,
    )


def rpc_error(error: dict[str, Any], details: tuple[str, ...] = ()) -> RpcError:
    """The server's own error object."""
    code = error.get("code")
    code = code if isinstance(code, int) else 0
    message = printable(str(error.get("message") or "no message"))
    hint = "'docgenctl status' shows whether it is back; then try again." if code == _UNAVAILABLE else ""
    return RpcError(f"{message} ({code})", rpc_code=code, hint=hint, data=error.get("data"), details=details)


def http_status(
    endpoint: Endpoint, status: int, retry_after: str | None, details: tuple[str, ...]
) -> NotHealthyError:
    """An HTTP status that carries no JSON-RPC answer."""
    if status == 401:
        return NotHealthyError(
            f"{endpoint.authority} does not accept the API key in {endpoint.api_key_file}",
            code="unauthorized",
            hint="'docgenctl keys list --all' shows whether it was revoked or has ended; "
            "'docgenctl keys create NAME --out FILE' makes another."
            if endpoint.own_key
            else "The stack may run with another key: 'docgenctl up' puts this one into effect.",
            details=details,
        )
    if status == 403:
        return NotHealthyError(
            f"the API key in {endpoint.api_key_file} may not do this",
            code="forbidden",
            hint="'docgenctl endpoint' prints the address and the key that belong together.",
            details=details,
        )
    if status == 404 and endpoint.url.partition("/mcp/")[2]:
        return NotHealthyError(
            f"there is no {endpoint.url} for this key",
            code="protocol",
            hint="'docgenctl routes' shows the endpoints of the running stack.",
            details=details,
        )
    if status == 413:
        return NotHealthyError(
            "the request is larger than the gateway lets in",
            code="too_large",
            hint="Raise gateway/max_body in docgen.yaml, or send less.",
            details=details,
        )
    if status == 429:
        wait = f"in {retry_after} s" if retry_after and retry_after.isdigit() else "in a while"
        return NotHealthyError(
            "too many requests with this API key",
            code="rate_limited",
            hint=f"Try again {wait}.",
            details=details,
        )
    if status in _BEHIND_THE_GATEWAY:
        return NotHealthyError(
            f"the gateway at {endpoint.authority} answers, what is behind it does not (HTTP {status})",
            code="upstream_down",
            hint="'docgenctl status' shows what is down, 'docgenctl logs orchestrator' why.",
            details=details,
        )
    return not_the_protocol(endpoint, f"HTTP {status}", details)


def correlation(header: str | None) -> tuple[str, ...]:
    """The line by which `docgenctl logs` finds the request, if the answer named it."""
    if header is None or _CORRELATION_ID.fullmatch(header) is None:
        return ()
    return (f"correlation id {header}",)


def json_object(content: bytes) -> dict[str, Any] | None:
    """The content as a JSON object, None when it is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None

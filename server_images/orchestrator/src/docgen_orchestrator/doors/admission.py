"""Which requests a door lets in, and what is left of their headers; no I/O.

The order of the checks and every status is that of the container's gateway (templates/gateway), so that a
client cannot tell the two apart by what they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from starlette.types import Scope

from docgen_orchestrator.doors.plan import Door, Plan, Route

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
Header = tuple[bytes, bytes]

_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ADDRESS = re.compile(r"[0-9.]+|\[[0-9a-f:.]+\]")
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"proxy-connection"}
)
#: Set anew on the way: where it goes, how long it is, who asks.
_REPLACED = frozenset({b"host", b"content-length", b"expect", b"origin", b"x-correlation-id"})


@dataclass(frozen=True)
class Refusal:
    """A request that is not let in."""

    status: int
    code: str
    message: str
    allow: str | None = None


BAD_HOST = Refusal(400, "bad_host", "The request needs exactly one well-formed Host header")
FOREIGN_HOST = Refusal(421, "foreign_host", "This server does not serve the requested host")
FOREIGN_ORIGIN = Refusal(403, "foreign_origin", "Requests from this origin are refused")
NOT_FOUND = Refusal(404, "not_found", "There is nothing at this path")
METHOD_NOT_ALLOWED = Refusal(405, "method_not_allowed", "This method is not used here")
POST_ONLY = replace(METHOD_NOT_ALLOWED, allow="POST")
RATE_LIMITED = Refusal(429, "rate_limited", "There are too many requests from this address")
TOO_LARGE = Refusal(413, "too_large", "The request body is too large")


def admit(plan: Plan, door: Door, method: str, path: bytes, headers: list[Header]) -> Route | Refusal:
    """The route that a request takes; ``path`` is as it was sent, without its query."""
    refusal = _foreign(plan, headers)
    if refusal is not None:
        return refusal
    route = door.routes.get(path.decode("latin-1"))
    if route is None or (route.read_only and method not in ("GET", "HEAD")):
        return NOT_FOUND
    if route.post_only and method != "POST":
        return POST_ONLY
    if method not in METHODS:
        return METHOD_NOT_ALLOWED
    return TOO_LARGE if _declared_length(headers) > plan.max_body_bytes else route


def raw_path(scope: Scope) -> bytes:
    """The path as it was sent, still quoted, without its query."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("latin-1", "replace")
    return raw.partition(b"?")[0]


def target_of(route: Route, scope: Scope) -> str:
    """What the orchestrator is asked for."""
    query = scope.get("query_string", b"") if route.query else b""
    return f"{route.target}?{query.decode('latin-1')}" if query else route.target


def host_of(headers: list[Header]) -> str:
    """The Host header without its port, in lower case; empty unless there is exactly one well-formed."""
    hosts = _values(headers, b"host")
    match = _AUTHORITY.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return match[1].lower() if match else ""


def is_local(plan: Plan, host: str) -> bool:
    """Whether a host means this machine, or is an address: a browser must not remember TLS for it."""
    return host in plan.local_hosts or bool(_ADDRESS.fullmatch(host))


def forwarded(plan: Plan, headers: list[Header]) -> list[Header]:
    """The headers that are passed on: none that only proxies and services of ours may set."""
    named = {name.strip().lower() for value in _values(headers, b"connection") for name in value.split(",")}
    kept = []
    for name, value in headers:
        lowered = name.lower()
        dropped = lowered in plan.stripped_headers or lowered.startswith(plan.stripped_beginnings)
        if not dropped and lowered not in _HOP_BY_HOP | _REPLACED and lowered.decode("latin-1") not in named:
            kept.append((name, value))
    return kept


def answered(headers: Iterable[Header]) -> list[Header]:
    """The headers of an answer that are passed back."""
    dropped = _HOP_BY_HOP | {b"server", b"x-correlation-id", b"x-content-type-options"}
    return [(name.lower(), value) for name, value in headers if name.lower() not in dropped]


def _foreign(plan: Plan, headers: list[Header]) -> Refusal | None:
    host = host_of(headers)
    if not host:
        return BAD_HOST
    if host not in plan.hosts:
        return FOREIGN_HOST
    origins = _values(headers, b"origin")
    if len(origins) > 1 or any(not _own(plan, origin) for origin in origins):
        return FOREIGN_ORIGIN
    return None


def _own(plan: Plan, origin: str) -> bool:
    scheme, _, authority = origin.lower().partition("://")
    match = _AUTHORITY.fullmatch(authority)
    return scheme in ("http", "https") and match is not None and match[1] in plan.hosts


def _values(headers: list[Header], wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name.lower() == wanted]


def _declared_length(headers: list[Header]) -> int:
    return next(
        (
            int(value[:20])
            for value in _values(headers, b"content-length")
            if value.isascii() and value.isdigit()
        ),
        0,
    )

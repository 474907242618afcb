"""Middleware: only requests that were meant for this server, and from no foreign web page.

A page in a browser can make the browser send requests to servers on the same machine (DNS rebinding). Its
``Host`` is then the attacker's name and its ``Origin`` the attacker's page, so both are checked, on every
route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from docgen_common.errors import error_response

_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


class Hosts:
    """Answers 400 to a malformed or repeated ``Host``, 421 to a foreign one, 403 to a foreign ``Origin``."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(host.lower() for host in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        refusal = None if scope["type"] == "lifespan" else self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, code, message = refusal
        await error_response(status, code, message)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or not _AUTHORITY.fullmatch(hosts[0]):
            return 400, "bad_host", "The request needs exactly one well-formed Host header"
        if not self.knows(hosts[0]):
            return 421, "foreign_host", "This server does not serve the requested host"
        if any(not self._own_origin(origin) for origin in origins):
            return 403, "foreign_origin", "Requests from this origin are refused"
        return None

    def knows(self, authority: str) -> bool:
        """Whether ``authority`` (``host`` or ``host:port``) is a name of this server."""
        match = _AUTHORITY.fullmatch(authority)
        return match is not None and match["host"].lower() in self._allowed

    def _own_origin(self, origin: str) -> bool:
        scheme, separator, authority = origin.partition("://")
        return bool(separator) and scheme in ("http", "https") and self.knows(authority)

"""Middleware: one log line and one observation for each request.

The line has the path without its query string, which is where careless clients put keys.
"""

from __future__ import annotations

from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.metrics import Metrics, PathTemplates
from docgen_common.toolcalls import TOOL_STATE

_OPEN = ("/health", "/health/ready")
_log = structlog.stdlib.get_logger("docgen.access")


class Access:
    """Logs and counts requests when they end; good health probes only at level debug."""

    def __init__(self, app: ASGIApp, metrics: Metrics, templates: PathTemplates) -> None:
        self._app = app
        self._metrics = metrics
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and report it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        sent = 0

        async def watching(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        begun = perf_counter()
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, watching)
        except Exception:
            status = status or 500
            raise
        finally:
            self._metrics.in_flight.dec()
            # 499 is what nginx made known as "the client went away before there was an answer".
            self._report(scope, status or 499, sent, perf_counter() - begun)

    def _report(self, scope: Scope, status: int, sent: int, seconds: float) -> None:
        self._metrics.observe(self._templates.of(scope), scope["method"], status, seconds)
        quiet = status < 400 and scope["path"] in _OPEN
        state = scope.get("state", {})
        client = scope.get("client")
        (_log.debug if quiet else _log.info)(
            "request",
            method=scope["method"],
            path=scope["path"][:256],
            status=status,
            duration_ms=round(seconds * 1000, 2),
            bytes_out=sent,
            key_id=state.get("key_id"),
            client=client[0] if client else None,
            **_mcp_fields(scope),
            **state.get(TOOL_STATE, {}),
        )


def _mcp_fields(scope: Scope) -> dict[str, str]:
    """The routing headers of protocol revision 2026-07-28, for people who read logs; never for policy.

    The name of a task is its id, which is a secret of whoever has it.
    """
    wanted = {b"mcp-method": "mcp_method", b"mcp-name": "mcp_name"}
    found = {
        wanted[name]: value.decode("latin-1")[:128] for name, value in scope["headers"] if name in wanted
    }
    if found.get("mcp_method", "").startswith("tasks/"):
        found.pop("mcp_name", None)
    return found

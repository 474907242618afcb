"""What can be wrong with a server before it serves, and the one shape of an HTTP error body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

EXIT_CONFIGURATION = 78
"""Exit status of a server whose settings are wrong (``EX_CONFIG`` of sysexits.h)."""


class SettingsError(Exception):
    """A server cannot start as configured; the message is one line and names the setting, never a secret."""


def error_response(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An HTTP error as ``{"error": {"code": …, "message": …}}``; ``code`` is stable, for programs."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=headers)


def refusal(
    path: str,
    status: int,
    rpc_code: int,
    code: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
    rpc_id: object = None,
) -> JSONResponse:
    """What a request for ``path`` is answered that nothing looks into further.

    At an MCP endpoint it is a JSON-RPC error, without the id where nobody read it (JSON-RPC 2.0, section 5);
    elsewhere an HTTP error. ``code`` and ``data`` are in both.
    """
    more = {"code": code, **(data or {})}
    if not path.startswith("/mcp"):
        return JSONResponse({"error": {**more, "message": message}}, status_code=status, headers=headers)
    error = {"code": rpc_code, "message": message, "data": more}
    known = rpc_id if isinstance(rpc_id, int | str) else None
    return JSONResponse({"jsonrpc": "2.0", "id": known, "error": error}, status_code=status, headers=headers)

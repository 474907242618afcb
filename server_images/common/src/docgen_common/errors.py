"""What can be wrong with a server before it serves, and the one shape of an HTTP error body."""

from __future__ import annotations

from collections.abc import Mapping

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

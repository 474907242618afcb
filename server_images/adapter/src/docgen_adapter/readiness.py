"""What `/health/ready` looks at: whether the server answers a real question now."""

from __future__ import annotations

import asyncio
from time import monotonic

from docgen_common.health import Check, CheckResult
from mcp.shared.exceptions import MCPError

from docgen_adapter.kept_connection import KeptConnection

#: Seconds the server has for its answer; readiness itself gives a check two.
PATIENCE = 1.8


def server_check(kept: KeptConnection, *, every_s: float) -> Check:
    """Has the server list its tools, at most once in ``every_s``; a server at work is not disturbed."""
    fresh_until = 0.0

    async def check() -> CheckResult:
        nonlocal fresh_until
        connection = kept.connection
        if connection is None:
            return CheckResult(False, kept.reason)
        if kept.busy or monotonic() < fresh_until:
            return CheckResult(True)
        method = "tools/list" if connection.offers("tools") else "server/discover"
        if method == "server/discover" and not connection.modern:
            method = "ping"
        try:
            async with asyncio.timeout(PATIENCE):
                await connection.request(method, {})
        except TimeoutError:
            return CheckResult(False, f"no answer within {PATIENCE:g} s")
        except MCPError as error:
            return CheckResult(False, error.message[:200])
        fresh_until = monotonic() + every_s
        return CheckResult(True)

    return check

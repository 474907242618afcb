"""Which tool a request calls, as far as that is known before its body is read.

Callers of MCP 2026-07-28 say it in the headers ``Mcp-Method`` and ``Mcp-Name``, which the endpoint compares
with the body later on (basic/transports, "Standard Request Headers"): one that lies is answered 400, and
nothing is called. Older callers say it in the body alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docgen_common.rates import Rate

TOOL_CALL = "tools/call"
RATED_STATE = "rated_tool"
"""Where in a request's state stands which tool it has paid for."""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What keys and rates need to know of a tool: its server, whether it only reads, how often it may run."""

    server: str
    read_only: bool
    rate: Rate | None


FindTool = Callable[[str, str], ToolFacts | None]
"""The facts of a tool by the path of the endpoint and the name that callers see; None for an unknown one."""


def called_tool(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The tool that the header lines name, None when they name none or do so more than once."""
    method: bytes | None = None
    name: bytes | None = None
    for key, value in headers:
        if key == b"mcp-method":
            if method is not None:
                return None
            method = value
        elif key == b"mcp-name":
            if name is not None:
                return None
            name = value
    return name.decode("latin-1") if name is not None and method == TOOL_CALL.encode() else None

"""Talking to a running stack from outside, as any client would: MCP over TLS, and health probes.

Standard library only: the command line starts in the time it takes to import this.
"""

from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.failures import RpcError
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress, ResourceContent, ToolResult
from docgenctl.endpoint.probe import probe_discover, probe_gateway, probe_tool, wait_until_ready

__all__ = [
    "Endpoint",
    "McpEndpoint",
    "Progress",
    "ResourceContent",
    "RpcError",
    "ToolResult",
    "probe_discover",
    "probe_gateway",
    "probe_tool",
    "wait_until_ready",
]

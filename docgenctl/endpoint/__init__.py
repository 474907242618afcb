"""Talking to the running stack from outside: probes and MCP calls through the gateway."""

"""Run a stack of MCP servers: render, build, start, prove and change it from one file."""

__version__ = "0.1.0"

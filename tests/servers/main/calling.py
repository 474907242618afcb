"""Calling a tool in-process through the official client."""

from typing import Any
from weakref import WeakKeyDictionary

from docgen_main.events import Hub
from docgen_main.resources import DocumentServer
from docgen_main.server import build_server
from docgen_main.workspace import Workspace
from mcp import Client

_servers: WeakKeyDictionary[Workspace, DocumentServer] = WeakKeyDictionary()


def server_on(workspace: Workspace, hub: Hub | None = None) -> DocumentServer:
    """The server on `workspace`; without `hub` the same one each time, as building one takes a while."""
    if hub is not None:
        return build_server(workspace, hub=hub)
    if workspace not in _servers:
        _servers[workspace] = build_server(workspace)
    return _servers[workspace]


async def call(
    workspace: Workspace, tool: str, *, hub: Hub | None = None, **arguments: Any
) -> dict[str, Any]:
    """The structured result of a call that works."""
    async with Client(server_on(workspace, hub)) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(workspace: Workspace, tool: str, *, hub: Hub | None = None, **arguments: Any) -> str:
    """What a call that is refused is told."""
    async with Client(server_on(workspace, hub)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content)

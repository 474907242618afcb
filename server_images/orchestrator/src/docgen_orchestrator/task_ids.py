"""Task ids as callers see them: ``<server>:<the server's own id>``, so that any replica finds the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from starlette.requests import Request

METHODS = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
"""What callers do with a task."""


class Named(Protocol):
    """What has a server's name."""

    @property
    def name(self) -> str:
        """The server's name."""


NamedT = TypeVar("NamedT", bound=Named)


def owner_of(task_id: str, servers: Iterable[NamedT]) -> tuple[NamedT, str] | None:
    """The server that a task belongs to, and its id there; None when there is no such server."""
    name, _, own_id = task_id.partition(":")
    return next(((server, own_id) for server in servers if server.name == name and own_id), None)


def for_callers(server: str, result: dict[str, Any]) -> dict[str, Any]:
    """``result`` with the id of the task that it is about as callers know it."""
    own_id = result.get("taskId")
    return {**result, "taskId": f"{server}:{own_id}"} if isinstance(own_id, str) else result


def is_mirrored(request: object, params: Mapping[str, Any]) -> bool:
    """Whether ``Mcp-Name`` says the same as the body, as it must over HTTP."""
    if not isinstance(request, Request):
        return True
    return decode_header_value(request.headers.get(MCP_NAME_HEADER)) == params.get("taskId")

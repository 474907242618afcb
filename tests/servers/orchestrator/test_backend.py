"""What the orchestrator believes of a server, without a server."""

from collections.abc import Mapping
from typing import Any

import pytest
from docgen_orchestrator.backend import Backend
from docgen_orchestrator.routing import Route
from docgen_orchestrator.upstream import Call, OnNote, RpcError, UnavailableError

pytestmark = pytest.mark.anyio

ROUTE = Route(
    name="main",
    url="http://main:8000/mcp",
    ready_url="http://main:8000/health/ready",
    key_secret="upstream-main",
    tool_prefixes=("files_",),
    resource_schemes=(),
    timeout_s=5,
)


class Booting:
    """An upstream that refuses connections until it listens, and then answers every call with its name."""

    def __init__(self) -> None:
        self.listens = False

    async def request(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        await self.verify()
        if call.method != "tools/call":
            raise RpcError(-32601, "no such method")
        return {"name": call.name}

    async def get(self, url: str) -> tuple[int, bytes]:
        await self.verify()
        return 200, b"{}"

    async def verify(self) -> None:
        if not self.listens:
            raise UnavailableError("connection refused", sent=False)

    def close(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ignore(method: str, params: Mapping[str, Any]) -> None:
    """Notes that nobody reads."""


async def test_a_server_that_is_told_to_be_ready_can_be_called_at_once() -> None:
    upstream = Booting()
    backend = Backend(ROUTE, upstream)
    await backend._look()
    assert backend.down == "connection refused"
    with pytest.raises(UnavailableError):
        await backend.get_ready()

    upstream.listens = True
    assert await backend.get_ready() == (200, b"{}")
    call = Call(method="tools/call", params={}, name="files_list")
    assert await backend.call(call, ignore) == {"name": "files_list"}

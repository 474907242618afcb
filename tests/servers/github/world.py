"""A repository in the emulator, a server that may change it, and somebody who reviews."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from docgen_github.client import Bounds
from docgen_github.server import build_server
from mcp import Client

from tests.servers.github.emulated import Repository, fresh_repository
from tests.servers.github.front import Front
from tests.servers.github.tool_names import ALL_TOOLSETS

#: As patient as the server is, but a hundred times quicker.
FAST = Bounds(
    connect_s=2,
    read_s=5,
    total_s=20,
    wait_budget_s=1.5,
    first_pause_s=0.01,
    write_s=20,
    write_spacing_s=0,
    settle_s=(0.01, 0.05),
)


@dataclass
class World(Repository):
    """A fresh repository of the user bot, which the server may change."""

    front: Front
    make_settings: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def client(self, *, bounds: Bounds = FAST, **more: Any) -> AsyncIterator[Client]:
        """A client of a server over this world; `more` are arguments of `Client`."""
        repository = f"bot/{self.name}"
        options = {
            "api_url": self.front.url,
            "toolsets": ALL_TOOLSETS,
            "read_only": False,
            "write_repositories": [repository],
            "confirm": "never",
            **self.options,
        }
        repositories = options.pop("repositories", [repository])
        token = options.pop("token", "tok_bot")
        server = build_server(
            self.make_settings(repositories, token=token, **options), bounds=bounds, scratch=None
        )
        async with server.client, Client(server.mcp, **more) as client:
            yield client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; a refusal fails the test."""
        async with self.client() as client:
            return await done(client, tool, **self.place, **arguments)

    async def refused(self, tool: str, **arguments: Any) -> str:
        """The words of a refusal."""
        async with self.client() as client:
            return await refusal(client, tool, **self.place, **arguments)


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer; a refusal fails the test."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content)


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The words of a refusal; an answer fails the test."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return str(result.content[0].text)


@contextmanager
def a_world(front: Front, emulator: str, make_settings: Callable[..., Any]) -> Iterator[World]:
    """A fresh repository, on which the user rev may write."""
    made = fresh_repository(emulator)
    world = World(emulator, made.name, front, make_settings)
    front.seen.clear()
    front.faults.clear()
    front.statuses.clear()
    yield world

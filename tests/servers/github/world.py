"""A repository in the emulator, a server that may change it, and somebody who reviews."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
from docgen_github.client import Bounds
from docgen_github.server import build_server
from mcp import Client

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
_numbers = count(1)


@dataclass
class World:
    """`name` is a fresh repository of the user bot, which the server may change."""

    front: Front
    emulator: str
    name: str
    make_settings: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> dict[str, str]:
        """The arguments that name the repository."""
        return {"owner": "bot", "repo": self.name}

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

    def direct(self, method: str, path: str, token: str = "tok_rev", **body: Any) -> Any:
        """What somebody else does at the emulator; not seen by the front."""
        with httpx2.Client(base_url=self.emulator, trust_env=False) as http:
            answer = http.request(
                method,
                f"/repos/bot/{self.name}{path}",
                headers={"authorization": f"Bearer {token}"},
                content=json.dumps(body) if body else None,
            )
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def head(self, branch: str = "main") -> str:
        """The head commit of a branch."""
        return str(self.direct("GET", f"/branches/{branch}", "tok_bot")["commit"]["sha"])

    def open_pull(self, branch: str = "feature") -> dict[str, Any]:
        """A pull request with one file, by the user bot."""
        sha = self.head()
        self.direct("POST", "/git/refs", "tok_bot", ref=f"refs/heads/{branch}", sha=sha)
        change = {"message": "Add", "content": "aGVsbG8K", "branch": branch}
        self.direct("PUT", f"/contents/{branch}.txt", "tok_bot", **change)
        return dict(self.direct("POST", "/pulls", "tok_bot", title="Change", head=branch, base="main"))


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
    name = f"w{next(_numbers)}"
    with httpx2.Client(base_url=emulator, trust_env=False) as http:
        made = http.post(
            "/user/repos",
            headers={"authorization": "Bearer tok_bot"},
            content=json.dumps({"name": name, "private": True, "auto_init": True}),
        )
        made.raise_for_status()
    world = World(front, emulator, name, make_settings)
    world.direct("PUT", "/collaborators/rev", "tok_bot", permission="push")
    front.seen.clear()
    front.faults.clear()
    front.statuses.clear()
    yield world

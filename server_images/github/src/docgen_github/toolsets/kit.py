"""What every group of tools is given, and the annotations that tell clients what a tool does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import InputRequiredResult, ToolAnnotations

from docgen_github.client import Bounds, GitHubClient
from docgen_github.operation import Operation, Outcome
from docgen_github.options import GitHubOptions
from docgen_github.policy import RepositoryName
from docgen_github.reader import GitHubReader
from docgen_github.write_gate import Call, WriteGate

Told = Outcome | InputRequiredResult


@dataclass(frozen=True)
class Kit:
    """The server to register at, the way to read, the way to write, and how long to wait."""

    mcp: MCPServer
    client: GitHubClient
    reader: GitHubReader
    options: GitHubOptions
    gate: WriteGate
    bounds: Bounds

    def reads(self, title: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a tool that changes nothing."""
        return self.mcp.tool(title=title, annotations=annotations(title, read_only=True, idempotent=True))

    def writes(
        self, title: str, *, destructive: bool = False, idempotent: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a tool that changes something; does not, where the options let nothing be changed."""
        if not self.options.writing.writes:
            return lambda tool: tool
        told = annotations(title, read_only=False, destructive=destructive, idempotent=idempotent)
        return self.mcp.tool(title=title, annotations=told)

    async def change(
        self,
        ctx: Context[Any, Any],
        tool: str,
        target: tuple[str, str],
        prepare: Callable[[RepositoryName], Awaitable[Operation]],
        *,
        dry_run: bool,
        token: str | None,
    ) -> Told:
        """Let the gate decide on a call that changes the repository `target` (owner and name)."""
        repository = await self.gate.admit(*target)
        call = Call(ctx, tool, repository, dry_run=dry_run, token=token)
        return await self.gate.run(call, lambda: prepare(repository))


def annotations(
    title: str, *, read_only: bool, destructive: bool = False, idempotent: bool = False
) -> ToolAnnotations:
    """What clients are told of a tool."""
    return ToolAnnotations(
        title=title,
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=True,
    )

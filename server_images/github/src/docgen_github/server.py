"""Puts the server together: client, tools, resource, prompt, and the ASGI app around them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.request_state import request_state_security
from docgen_common.settings import ServerSettings
from docgen_common.tasks import Tasks, TaskStore
from docgen_common.tool_server import ToolServer
from mcp.server import MCPServer
from starlette.applications import Starlette

from docgen_github import readiness
from docgen_github.client import Bounds, GitHubClient
from docgen_github.errors import BadToken
from docgen_github.flows import Flows
from docgen_github.options import GitHubOptions, read_options
from docgen_github.reader import GitHubReader
from docgen_github.review import add_review
from docgen_github.tools import add_tools
from docgen_github.toolsets.kit import Kit
from docgen_github.untrusted import NOTICE
from docgen_github.write_gate import WriteGate
from docgen_github.writer import GitHubWriter

TOKEN_SECRET = "github-token"  # noqa: S105 (the name of a file, not a secret)
READS = "Reads the repositories that docgen.yaml allows; it changes nothing."
WRITES = """\
Reads the repositories that docgen.yaml allows, and changes some of them under rules. Every tool that \
changes something takes dry_run to show its requests. An answer with status confirmation_required \
changed nothing: show its summary to the person you work for, and call again with confirmation_token when \
they agree. Merging needs the head commit that was reviewed."""
LONG_TOOLS = {"github_wait_for_checks": 1.0}
"""Tools whose calls may become tasks, and after how many seconds."""


@dataclass(frozen=True)
class GitHubServer:
    """The parts that live as long as the process; close the client at the end."""

    mcp: MCPServer
    client: GitHubClient
    options: GitHubOptions
    tasks: Tasks


def build_server(
    settings: ServerSettings, *, bounds: Bounds | None = None, scratch: Path | None = None
) -> GitHubServer:
    """The MCP server for these settings; reads the options once, the token at each request.

    What it has to remember for an hour lies in `scratch`; without that folder, in memory alone.
    """
    options = read_options(settings.options(), settings.server)

    def token() -> str | None:
        try:
            return settings.secret(TOKEN_SECRET)
        except SettingsError as error:
            raise BadToken(f"The token cannot be read: {error}.", "run `docgenctl up`") from None

    client = GitHubClient(
        options.api_url, paths=options.paths, token=token, proxy=settings.egress_proxy, bounds=bounds
    )
    flows = Flows(options.writing, scratch)
    reader = GitHubReader(client, options, flows)
    tasks = Tasks(LONG_TOOLS, TaskStore(scratch / "tasks" if scratch else None))
    mcp = ToolServer(
        name=settings.server,
        title="GitHub",
        description="Repositories, pull requests, issues, checks and releases, as far as docgen.yaml allows.",
        instructions=f"{WRITES if options.writing.writes else READS} Begin with github_status. {NOTICE}",
        extensions=[tasks],
        request_state_security=request_state_security(settings),
    )
    gate = WriteGate(reader, GitHubWriter(client, bounds), options.writing, flows)
    add_tools(Kit(mcp, client, reader, options, gate, bounds or Bounds()))
    add_review(mcp, reader)
    return GitHubServer(mcp, client, options, tasks)


def build_app(settings: ServerSettings, *, bounds: Bounds | None = None) -> Starlette:
    """The ASGI app that the container runs."""
    server = build_server(settings, bounds=bounds, scratch=_scratch())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with server.client:
            try:
                yield
            finally:
                await server.tasks.close()

    return create_app(
        server.mcp,
        settings,
        checks=readiness.checks(server.client, server.options),
        verdict=readiness.wants_requests,
        lifespan=lifespan,
    )


def _scratch() -> Path | None:
    """The folder of its own that the container gives, if it is there."""
    folder = Path(os.environ.get("DOCGEN_SCRATCH") or "/var/tmp/docgen")  # noqa: S108 - a volume of its own
    return folder if folder.is_dir() else None

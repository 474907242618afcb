"""Puts the server together: client, tools, resource, prompt, and the ASGI app around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.settings import ServerSettings
from docgen_common.tool_server import ToolServer
from mcp.server import MCPServer
from starlette.applications import Starlette

from docgen_github import readiness
from docgen_github.client import Bounds, GitHubClient
from docgen_github.errors import BadToken
from docgen_github.options import GitHubOptions, read_options
from docgen_github.reader import GitHubReader
from docgen_github.review import add_review
from docgen_github.tools import add_tools
from docgen_github.untrusted import NOTICE

TOKEN_SECRET = "github-token"  # noqa: S105 (the name of a file, not a secret)
INSTRUCTIONS = f"""\
Reads repositories and pull requests of the repositories that docgen.yaml allows; it changes nothing. Begin \
with github_status or github_list_repositories. {NOTICE}"""


@dataclass(frozen=True)
class GitHubServer:
    """The parts that live as long as the process; close the client at the end."""

    mcp: MCPServer
    client: GitHubClient
    options: GitHubOptions


def build_server(settings: ServerSettings, *, bounds: Bounds | None = None) -> GitHubServer:
    """The MCP server for these settings; reads the options once, the token at each request."""
    options = read_options(settings.options(), settings.server)

    def token() -> str | None:
        try:
            return settings.secret(TOKEN_SECRET)
        except SettingsError as error:
            raise BadToken(f"The token cannot be read: {error}.", "run `docgenctl up`") from None

    client = GitHubClient(
        options.api_url, paths=options.paths, token=token, proxy=settings.egress_proxy, bounds=bounds
    )
    reader = GitHubReader(client, options)
    mcp = ToolServer(
        name=settings.server,
        title="GitHub",
        description="Reads repositories and pull requests of the repositories it is allowed to see.",
        instructions=INSTRUCTIONS,
    )
    add_tools(mcp, reader, client, options)
    add_review(mcp, reader)
    return GitHubServer(mcp, client, options)


def build_app(settings: ServerSettings, *, bounds: Bounds | None = None) -> Starlette:
    """The ASGI app that the container runs."""
    server = build_server(settings, bounds=bounds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with server.client:
            yield

    return create_app(
        server.mcp,
        settings,
        checks=readiness.checks(server.client, server.options),
        verdict=readiness.wants_requests,
        lifespan=lifespan,
    )

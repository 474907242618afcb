"""The tools, thin: each names its arguments and asks the reader."""

import math
from typing import Annotated

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from docgen_github import shapes
from docgen_github.client import GitHubClient
from docgen_github.options import GitHubOptions
from docgen_github.reader import GitHubReader, State

Owner = Annotated[str, Field(description="User or organisation.", max_length=100, examples=["octo-org"])]
Repo = Annotated[str, Field(description="Name without the owner.", max_length=100, examples=["demo"])]
Number = Annotated[int, Field(description="Number of the pull request.", ge=1, le=2**31 - 1)]
Page = Annotated[int, Field(description="Page to read; `next_page` of the page before.", ge=1, le=100_000)]
PerPage = Annotated[int, Field(description="Entries per page.", ge=1, le=100)]
Base = Annotated[
    str | None, Field(description="Only pull requests into this branch.", min_length=1, max_length=255)
]


def add_tools(mcp: MCPServer, reader: GitHubReader, client: GitHubClient, options: GitHubOptions) -> None:
    """Register all tools of this server."""
    _add_status(mcp, client, options)
    _add_repositories(mcp, reader)
    _add_pulls(mcp, reader)


def _reads(title: str, *, outside: bool = True) -> ToolAnnotations:
    return ToolAnnotations(
        title=title,
        read_only_hint=True,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=outside,
    )


def _add_status(mcp: MCPServer, client: GitHubClient, options: GitHubOptions) -> None:
    @mcp.tool(title="GitHub: status", annotations=_reads("GitHub: status", outside=False))
    async def github_status() -> shapes.Status:
        """How this server is set up: API host, allowed repositories, token, rate limit. Asks nobody."""
        seen = client.rate.seen
        rate = shapes.Rate(limit=seen.limit, remaining=seen.remaining, reset=seen.reset) if seen else None
        return shapes.Status(
            api_host=options.host,
            https=options.https,
            repositories=list(options.policy.entries),
            token=client.has_token,
            egress_proxy=client.proxied,
            rate=rate,
            waits_seconds=math.ceil(client.waits_seconds),
            problems=list(options.problems),
        )


def _add_repositories(mcp: MCPServer, reader: GitHubReader) -> None:
    @mcp.tool(title="GitHub: list repositories", annotations=_reads("GitHub: list repositories"))
    async def github_list_repositories() -> shapes.RepositoryList:
        """List the repositories that may be read. GitHub is asked only for entries of the form owner/*."""
        return await reader.repositories()

    @mcp.tool(title="GitHub: repository", annotations=_reads("GitHub: repository"))
    async def github_get_repository(owner: Owner, repo: Repo) -> shapes.Repository:
        """Read the facts of one repository: visibility, default branch, description, counts."""
        return await reader.repository(owner, repo)


def _add_pulls(mcp: MCPServer, reader: GitHubReader) -> None:
    @mcp.tool(title="GitHub: list pull requests", annotations=_reads("GitHub: list pull requests"))
    async def github_list_pulls(
        owner: Owner,
        repo: Repo,
        state: Annotated[State, Field(description="Which pull requests.")] = "open",
        base: Base = None,
        page: Page = 1,
        per_page: PerPage = 30,
    ) -> shapes.PullPage:
        """List pull requests of a repository, newest first, without their descriptions."""
        return await reader.pulls(owner, repo, state=state, base=base, page=page, per_page=per_page)

    @mcp.tool(title="GitHub: pull request", annotations=_reads("GitHub: pull request"))
    async def github_get_pull(owner: Owner, repo: Repo, number: Number) -> shapes.PullDetails:
        """Read one pull request: description, head commit, whether it can be merged, sizes, reviews."""
        return await reader.pull(owner, repo, number)

    @mcp.tool(title="GitHub: files of a pull request", annotations=_reads("GitHub: files of a pull request"))
    async def github_get_pull_files(
        owner: Owner, repo: Repo, number: Number, page: Page = 1, per_page: PerPage = 30
    ) -> shapes.FilePage:
        """Read the files that a pull request changes, with their patches; long patches are cut and say so."""
        return await reader.files(owner, repo, number, page=page, per_page=per_page)

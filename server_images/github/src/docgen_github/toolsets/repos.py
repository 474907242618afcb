"""Reading repositories, and how this server is set up."""

import math
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from docgen_github import shapes, translate
from docgen_github.errors import InvalidName
from docgen_github.toolsets.arguments import Owner, Page, PerPage, Repo
from docgen_github.toolsets.kit import Kit, annotations
from docgen_github.wire import WireRepository, read_as

#: Qualifiers of one search; GitHub refuses queries with more than a few hundred characters.
QUERY_CHARACTERS = 256


class Found(shapes.ResultShape):
    """One page of repositories that were found."""

    repositories: list[shapes.Repository]
    next_page: int | None
    incomplete: bool = Field(description="True when the allowlist was too long to search all of it.")


class _WireFound(BaseModel):
    items: list[WireRepository]


_FOUND = TypeAdapter(_WireFound)


def add_status(kit: Kit) -> None:
    """Register `github_status`, which is there whatever toolsets are."""
    told = annotations("GitHub: status", read_only=True, idempotent=True)

    @kit.mcp.tool(title="GitHub: status", annotations=told.model_copy(update={"open_world_hint": False}))
    async def github_status() -> shapes.Status:
        """How this server is set up: API host, repositories, tools, token, rate limit. Asks nobody."""
        options, client = kit.options, kit.client
        seen = client.rate.seen
        rate = shapes.Rate(limit=seen.limit, remaining=seen.remaining, reset=seen.reset) if seen else None
        return shapes.Status(
            api_host=options.host,
            https=options.https,
            repositories=list(options.policy.entries),
            toolsets=sorted(options.toolsets),
            read_only=options.writing.read_only,
            write_repositories=list(options.writing.repositories.entries),
            token=client.has_token,
            egress_proxy=client.proxied,
            rate=rate,
            waits_seconds=math.ceil(client.waits_seconds),
            problems=list(options.problems),
        )


def add_repos(kit: Kit) -> None:
    """Register what reads repositories."""

    @kit.reads("GitHub: list repositories")
    async def github_list_repositories() -> shapes.RepositoryList:
        """List the repositories that may be read. GitHub is asked only for entries of the form owner/*."""
        return await kit.reader.repositories()

    @kit.reads("GitHub: repository")
    async def github_get_repository(owner: Owner, repo: Repo) -> shapes.Repository:
        """Read the facts of one repository: visibility, default branch, description, counts."""
        return await kit.reader.repository(owner, repo)

    @kit.reads("GitHub: search repositories")
    async def github_search_repositories(
        words: Annotated[
            str,
            Field(description="Words to find in name, description, topics.", min_length=1, max_length=100),
        ],
        page: Page = 1,
        per_page: PerPage = 30,
    ) -> Found:
        """Search among the repositories that may be read."""
        query, incomplete = _query(kit, words)
        what = "repositories with these words"
        answer = await kit.client.get(
            ("search", "repositories"), {"q": query, "page": page, "per_page": per_page}, what=what
        )
        found = []
        for wire in read_as(_FOUND, answer.value, what).items:
            owner, _, name = wire.full_name.partition("/")
            if kit.reader.is_allowed(owner, name):
                found.append(translate.repository(wire))
        return Found(
            repositories=found, next_page=page + 1 if answer.next_url else None, incomplete=incomplete
        )


def _query(kit: Kit, words: str) -> tuple[str, bool]:
    """The words, without qualifiers of the caller's own, and the allowlist as qualifiers."""
    kit.options.require_valid()
    policy = kit.options.policy
    policy.require_any()
    if ":" in words or not words.strip() or not words.isprintable():
        raise InvalidName(
            "Search for plain words; qualifiers are set by this server.", "leave out the colons"
        )
    places = [f"user:{owner}" for owner in policy.owners] + [f"repo:{name}" for name in policy.names]
    query, incomplete = words.strip(), False
    for place in places:
        if len(query) + len(place) + 1 > QUERY_CHARACTERS:
            incomplete = True
            break
        query = f"{query} {place}"
    return query, incomplete

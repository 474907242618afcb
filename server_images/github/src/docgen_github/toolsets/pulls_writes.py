"""Opening, changing and closing pull requests, and talking about them."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field, TypeAdapter

from docgen_github.errors import HeadMoved, InvalidName
from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import Request
from docgen_github.toolsets.arguments import (
    Branch,
    Comment,
    DryRun,
    Key,
    OptionalText,
    OptionalTitle,
    Owner,
    PullNumber,
    Repo,
    Sha,
    Text,
    Title,
    Token,
)
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.toolsets.talk import look_for, marked_text
from docgen_github.wire import Login, WireMade, WirePull, read_as
from docgen_github.write_policy import check_branch

_PULLS = TypeAdapter(list[WirePull])
_MADE = TypeAdapter(WireMade)


def add_pulls_writes(kit: Kit) -> None:
    """Register what changes pull requests, but for reviews and merging."""
    _add_create(kit)
    _add_update(kit)
    _add_close(kit)
    _add_comment(kit)
    _add_reviewers(kit)
    _add_update_branch(kit)


def _add_create(kit: Kit) -> None:
    @kit.writes("GitHub: open a pull request", idempotent=True)
    async def github_create_pull(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        title: Title,
        head: Branch,
        base: Annotated[
            str | None,
            Field(description="Branch to merge into; by default the default branch.", max_length=244),
        ] = None,
        body: Text = "",
        draft: Annotated[bool, Field(description="Open it as a draft.")] = False,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Open a pull request from a branch of the repository; answers with one that is open already."""

        async def prepare(repository: RepositoryName) -> Operation:
            target = check_branch(base or await kit.reader.default_branch(repository))
            request = open_pull(kit, repository, title, check_branch(head), target, body, draft=draft)
            there = await open_pull_of(kit, repository, head, target)
            return Operation(
                f"Open a pull request from {head} into {target} of {repository}.",
                (request,),
                lambda answers: made(answers[-1]),
                found=made(there) if there else None,
            )

        return await kit.change(
            ctx, "github_create_pull", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_update(kit: Kit) -> None:
    @kit.writes("GitHub: change a pull request", destructive=True, idempotent=True)
    async def github_update_pull(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        title: OptionalTitle = None,
        body: OptionalText = None,
        base: Annotated[
            str | None, Field(description="Another branch to merge into.", max_length=244)
        ] = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Change title, description or target of a pull request."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await kit.reader.pull_wire(repository, number)
            wanted = {"title": title, "body": body, "base": check_branch(base) if base else None}
            now = {"title": wire.title, "body": wire.body or "", "base": wire.base.ref}
            change = {key: value for key, value in wanted.items() if value is not None and value != now[key]}
            return Operation(
                f"Change {' and '.join(change) or 'nothing'} of pull request {repository}#{number}.",
                (patch_pull(repository, number, change),),
                lambda answers: made(answers[-1]),
                found=None if change else Changed(number=number, state=wire.state, url=wire.html_url),
            )

        return await kit.change(
            ctx, "github_update_pull", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_close(kit: Kit) -> None:
    @kit.writes("GitHub: close a pull request", destructive=True, idempotent=True)
    async def github_close_pull(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        reopen: Annotated[bool, Field(description="Open a closed one again instead.")] = False,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Close a pull request without merging it, or open it again."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await kit.reader.pull_wire(repository, number)
            state = "open" if reopen else "closed"
            return Operation(
                f"{'Reopen' if reopen else 'Close'} pull request {repository}#{number}.",
                (patch_pull(repository, number, {"state": state}),),
                lambda answers: made(answers[-1]),
                found=Changed(number=number, state=state, url=wire.html_url) if wire.state == state else None,
            )

        return await kit.change(
            ctx, "github_close_pull", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_comment(kit: Kit) -> None:
    @kit.writes("GitHub: comment on a pull request")
    async def github_comment_pull(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        body: Comment,
        idempotency_key: Key = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Comment in the conversation of a pull request."""

        async def prepare(repository: RepositoryName) -> Operation:
            await kit.reader.pull_wire(repository, number)
            request = comment_request(kit, repository, number, body, idempotency_key)
            return Operation(
                f"Comment on pull request {repository}#{number}.",
                (request,),
                lambda answers: made(answers[-1], number),
            )

        return await kit.change(
            ctx, "github_comment_pull", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_reviewers(kit: Kit) -> None:
    @kit.writes("GitHub: request reviewers", idempotent=True)
    async def github_request_reviewers(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        reviewers: Annotated[list[Login], Field(description="Logins.", min_length=1, max_length=15)],
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Ask people to review a pull request."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await kit.reader.pull_wire(repository, number)
            asked = {user.login.lower() for user in wire.requested_reviewers}
            missing = [login for login in reviewers if login.lower() not in asked]
            path = (*pull_path(repository, number), "requested_reviewers")
            what = f"pull request {repository}#{number}"
            request = Request("POST", path, what, {"reviewers": missing}, repeatable=True)
            return Operation(
                f"Ask {', '.join(reviewers)} to review pull request {repository}#{number}.",
                (request,),
                lambda _: Changed(number=number, state=wire.state, url=wire.html_url),
                found=None if missing else Changed(number=number, state=wire.state, url=wire.html_url),
            )

        return await kit.change(
            ctx, "github_request_reviewers", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_update_branch(kit: Kit) -> None:
    @kit.writes("GitHub: update the branch of a pull request")
    async def github_update_pull_branch(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        expected_head_sha: Sha,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Merge what is new in the target into the branch of a pull request."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await kit.reader.pull_wire(repository, number)
            if wire.head.sha != expected_head_sha:
                raise HeadMoved(f"The head of {repository}#{number} is {wire.head.sha} now.", "read it again")
            if wire.head.repo is None or not repository.matches(wire.head.repo.full_name):
                raise InvalidName("The branch is in another repository; only its owner updates it.")

            async def look() -> dict[str, Any] | None:
                head = (await kit.reader.pull_wire(repository, number)).head.sha
                return {"head": head} if head != expected_head_sha else None

            path = (*pull_path(repository, number), "update-branch")
            body = {"expected_head_sha": expected_head_sha}
            request = Request("PUT", path, f"the branch of {repository}#{number}", body, look=look)
            return Operation(
                f"Merge the target into the branch of pull request {repository}#{number}.",
                (request,),
                lambda _: Changed(number=number, url=wire.html_url),
            )

        return await kit.change(
            ctx,
            "github_update_pull_branch",
            (owner, repo),
            prepare,
            dry_run=dry_run,
            token=confirmation_token,
        )


def pull_path(repository: RepositoryName, number: int) -> tuple[str | int, ...]:
    """Where a pull request is."""
    return ("repos", repository.owner, repository.name, "pulls", number)


def patch_pull(repository: RepositoryName, number: int, change: dict[str, Any]) -> Request:
    """The request that changes fields of a pull request."""
    what = f"pull request {repository}#{number}"
    return Request("PATCH", pull_path(repository, number), what, change, repeatable=True)


async def open_pull_of(kit: Kit, repository: RepositoryName, head: str, base: str) -> dict[str, Any] | None:
    """The open pull request between two branches of the repository; GitHub allows one at most."""
    what = f"the pull requests of {repository}"
    answer = await kit.reader.get(
        repository,
        "pulls",
        what=what,
        state="open",
        head=f"{repository.owner}:{head}",
        base=base,
        per_page=100,
    )
    wires: list[WirePull] = read_as(_PULLS, answer.value, what)
    for wire, value in zip(wires, answer.value, strict=True):
        own = wire.head.repo is not None and repository.matches(wire.head.repo.full_name)
        if own and wire.head.ref == head and wire.base.ref == base:
            return dict(value)
    return None


def open_pull(
    kit: Kit,
    repository: RepositoryName,
    title: str,
    head: str,
    base: str,
    body: str,
    *,
    draft: bool,
) -> Request:
    """The request that opens a pull request, once."""
    path = ("repos", repository.owner, repository.name, "pulls")
    given = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
    return Request(
        "POST",
        path,
        f"the pull requests of {repository}",
        given,
        look=lambda: open_pull_of(kit, repository, head, base),
        look_first=True,
    )


def comment_request(kit: Kit, repository: RepositoryName, number: int, text: str, key: str | None) -> Request:
    """The request that comments on an issue or pull request, once."""
    body = marked_text(kit.client, f"comment#{number}", repository, text, key)
    place = ("issues", number, "comments")
    return Request(
        "POST",
        ("repos", repository.owner, repository.name, *place),
        f"the conversation of {repository}#{number}",
        {"body": body},
        look=look_for(kit.reader, repository, *place, mark=body.mark),
        look_first=key is not None,
    )


def made(value: Any, number: int | None = None) -> Changed:
    """What GitHub answers to a change, in our shape."""
    wire = read_as(_MADE, value, "the change")
    return Changed(
        number=wire.number if number is None else number,
        id=wire.id if number is not None else None,
        sha=wire.sha,
        state="merged" if wire.merged else (wire.state or "").lower() or None,
        url=wire.html_url,
    )

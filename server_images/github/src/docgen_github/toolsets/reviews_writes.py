"""Reviewing pull requests, and merging them by policy."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field, TypeAdapter

from docgen_github.errors import HeadMoved, InvalidName, NotByPolicy, NotFound
from docgen_github.merge_policy import reasons_against
from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import Request
from docgen_github.toolsets.arguments import (
    Comment,
    DryRun,
    FilePath,
    Key,
    Owner,
    PullNumber,
    Repo,
    Sha,
    Text,
    Token,
)
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.toolsets.merge_facts import merge_facts
from docgen_github.toolsets.pulls_writes import made, pull_path
from docgen_github.toolsets.talk import look_for, marked_text
from docgen_github.wire import WireReview, read_as

_REVIEW = TypeAdapter(WireReview)
_EVENTS = {"approve": "APPROVE", "request_changes": "REQUEST_CHANGES", "comment": "COMMENT"}
_STATES = {"approve": "APPROVED", "request_changes": "CHANGES_REQUESTED", "comment": "COMMENTED"}

Event = Literal["approve", "request_changes", "comment"]
ReviewId = Annotated[int, Field(description="Id of the review, from github_list_reviews.", ge=1)]


class LineComment(BaseModel):
    """A comment on a line of the change."""

    path: FilePath
    line: Annotated[int, Field(description="Line in the file.", ge=1)]
    side: Annotated[Literal["RIGHT", "LEFT"], Field(description="RIGHT: new file, LEFT: old.")] = "RIGHT"
    body: Comment


def add_reviews_writes(kit: Kit) -> None:
    """Register reviewing and merging."""
    _add_create(kit)
    _add_submit(kit)
    _add_dismiss(kit)
    _add_merge(kit)


def _add_create(kit: Kit) -> None:
    @kit.writes("GitHub: review a pull request")
    async def github_create_review(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        head_sha: Sha,
        event: Annotated[
            Event | Literal["pending"],
            Field(description="The verdict; pending is kept back until github_submit_review."),
        ] = "comment",
        body: Text = "",
        comments: Annotated[list[LineComment], Field(description="On lines.", max_length=100)] = [],  # noqa: B006
        idempotency_key: Key = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Review exactly one head commit of a pull request, with comments on lines."""

        async def prepare(repository: RepositoryName) -> Operation:
            await _head(kit, repository, number, head_sha)
            if event in {"request_changes", "comment"} and not body:
                raise InvalidName("This review needs a body.", "say what should change, or what you saw")
            text = marked_text(kit.client, f"review#{number}", repository, body, idempotency_key)
            given: dict[str, Any] = {"commit_id": head_sha, "body": text}
            if event != "pending":
                given["event"] = _EVENTS[event]
            if comments:
                given["comments"] = [comment.model_dump() for comment in comments]
            request = Request(
                "POST",
                (*pull_path(repository, number), "reviews"),
                f"the reviews of {repository}#{number}",
                given,
                look=look_for(kit.reader, repository, "pulls", number, "reviews", mark=text.mark),
                look_first=idempotency_key is not None,
            )
            return Operation(
                f"Review commit {head_sha} of pull request {repository}#{number}: {event}, "
                f"{len(comments)} comment(s) on lines.",
                (request,),
                lambda answers: made(answers[-1], number),
                grave=event == "approve",
            )

        return await kit.change(
            ctx, "github_create_review", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_submit(kit: Kit) -> None:
    @kit.writes("GitHub: submit a pending review", idempotent=True)
    async def github_submit_review(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        review_id: ReviewId,
        event: Annotated[Event, Field(description="The verdict.")],
        body: Text = "",
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Submit a pending review of the token's own account."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await _review(kit, repository, number, review_id)
            await _head(kit, repository, number, wire.commit_id)
            given = {"event": _EVENTS[event], "body": body}
            request = Request(
                "POST",
                (*pull_path(repository, number), "reviews", review_id, "events"),
                f"review {review_id} of {repository}#{number}",
                given,
                look=_look_for_state(kit, repository, number, review_id, _STATES[event]),
            )
            done = wire.state == _STATES[event]
            return Operation(
                f"Submit review {review_id} of pull request {repository}#{number}: {event}.",
                (request,),
                lambda answers: made(answers[-1], number),
                grave=event == "approve",
                found=Changed(number=number, id=review_id, state=wire.state.lower()) if done else None,
            )

        return await kit.change(
            ctx, "github_submit_review", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_dismiss(kit: Kit) -> None:
    @kit.writes("GitHub: dismiss a review", destructive=True, idempotent=True)
    async def github_dismiss_review(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        review_id: ReviewId,
        message: Annotated[
            str, Field(description="Why, for everybody to read.", min_length=1, max_length=1000)
        ],
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Dismiss a review, so that its verdict no longer counts."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await _review(kit, repository, number, review_id)
            request = Request(
                "PUT",
                (*pull_path(repository, number), "reviews", review_id, "dismissals"),
                f"review {review_id} of {repository}#{number}",
                {"message": message, "event": "DISMISS"},
                look=_look_for_state(kit, repository, number, review_id, "DISMISSED"),
            )
            done = wire.state == "DISMISSED"
            return Operation(
                f"Dismiss review {review_id} of pull request {repository}#{number}.",
                (request,),
                lambda answers: made(answers[-1], number),
                grave=True,
                found=Changed(number=number, id=review_id, state="dismissed") if done else None,
            )

        return await kit.change(
            ctx, "github_dismiss_review", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_merge(kit: Kit) -> None:
    @kit.writes("GitHub: merge a pull request", destructive=True, idempotent=True)
    async def github_merge_pull(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        expected_head_sha: Sha,
        method: Annotated[
            Literal["merge", "squash", "rebase"] | None,
            Field(description="By default the first of the allowed methods."),
        ] = None,
        commit_title: Annotated[str | None, Field(description="Of the merge.", max_length=256)] = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Merge a pull request whose head is the commit that was reviewed, if the merge policy allows it."""

        async def prepare(repository: RepositoryName) -> Operation:
            return await _merge(kit, repository, number, expected_head_sha, method, commit_title)

        return await kit.change(
            ctx, "github_merge_pull", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


async def _merge(
    kit: Kit,
    repository: RepositoryName,
    number: int,
    expected: str,
    method: str | None,
    commit_title: str | None,
) -> Operation:
    policy = kit.gate.policy.merge
    chosen = method or next(iter(policy.methods), "merge")
    facts = await merge_facts(kit, repository, number)
    summary = f"Merge commit {expected} of pull request {repository}#{number} by {chosen}."
    if facts.merged and facts.head == expected:
        return Operation(summary, found=Changed(number=number, state="merged"))
    if reasons := reasons_against(facts, expected, chosen, policy):
        error = HeadMoved if facts.head != expected else NotByPolicy
        raise error(f"Pull request {repository}#{number} may not be merged: {'; '.join(reasons)}.")

    async def look() -> dict[str, Any] | None:
        wire = await kit.reader.pull_wire(repository, number)
        merged = bool(wire.merged) or wire.merged_at is not None
        return (
            {"sha": wire.merge_commit_sha, "merged": True} if merged and wire.head.sha == expected else None
        )

    given = {"sha": expected, "merge_method": chosen}
    if commit_title:
        given["commit_title"] = commit_title
    request = Request(
        "PUT",
        (*pull_path(repository, number), "merge"),
        f"pull request {repository}#{number}",
        given,
        look=look,
    )
    return Operation(
        summary,
        (request,),
        lambda answers: Changed(number=number, sha=made(answers[-1]).sha, state="merged"),
        grave=True,
    )


async def _head(kit: Kit, repository: RepositoryName, number: int, expected: str | None) -> None:
    wire = await kit.reader.pull_wire(repository, number)
    if wire.head.sha != expected:
        raise HeadMoved(
            f"The head of pull request {repository}#{number} is {wire.head.sha}, which is another commit "
            "than the one that was reviewed.",
            "review the new head",
        )


async def _review(kit: Kit, repository: RepositoryName, number: int, review_id: int) -> WireReview:
    what = f"review {review_id} of {repository}#{number}"
    answer = await kit.reader.get(repository, "pulls", number, "reviews", review_id, what=what)
    return read_as(_REVIEW, answer.value, what)


def _look_for_state(kit: Kit, repository: RepositoryName, number: int, review_id: int, state: str) -> Any:
    async def look() -> dict[str, Any] | None:
        try:
            wire = await _review(kit, repository, number, review_id)
        except NotFound:
            return None
        return {"id": wire.id, "state": wire.state} if wire.state == state else None

    return look

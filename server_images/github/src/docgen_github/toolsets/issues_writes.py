"""Opening issues, and changing, labelling and closing them."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import Request
from docgen_github.toolsets.arguments import (
    Comment,
    DryRun,
    IssueNumber,
    Key,
    OptionalText,
    OptionalTitle,
    Owner,
    Repo,
    Text,
    Title,
    Token,
)
from docgen_github.toolsets.issues import issue_wire
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.toolsets.pulls_writes import comment_request, made
from docgen_github.toolsets.talk import look_for, marked_text

Label = Annotated[str, Field(min_length=1, max_length=50)]
Labels = Annotated[list[Label], Field(description="Names of labels.", max_length=20)]


def add_issues_writes(kit: Kit) -> None:
    """Register what changes issues."""
    _add_create(kit)
    _add_update(kit)
    _add_close(kit)
    _add_comment(kit)
    _add_label(kit)


def _add_create(kit: Kit) -> None:
    @kit.writes("GitHub: open an issue")
    async def github_create_issue(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        title: Title,
        body: Text = "",
        labels: Labels = [],  # noqa: B006
        idempotency_key: Key = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Open an issue."""

        async def prepare(repository: RepositoryName) -> Operation:
            text = marked_text(kit.client, "issue", repository, body, idempotency_key)
            given: dict[str, Any] = {"title": title, "body": text}
            if labels:
                given["labels"] = list(labels)
            request = Request(
                "POST",
                ("repos", repository.owner, repository.name, "issues"),
                f"the issues of {repository}",
                given,
                look=look_for(kit.reader, repository, "issues", mark=text.mark, state="all"),
                look_first=idempotency_key is not None,
            )
            return Operation(f"Open an issue in {repository}.", (request,), lambda answers: made(answers[-1]))

        return await kit.change(
            ctx, "github_create_issue", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_update(kit: Kit) -> None:
    @kit.writes("GitHub: change an issue", destructive=True, idempotent=True)
    async def github_update_issue(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: IssueNumber,
        title: OptionalTitle = None,
        body: OptionalText = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Change title or description of an issue."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await issue_wire(kit, owner, repo, number)
            wanted = {"title": title, "body": body}
            now = {"title": wire.title, "body": wire.body or ""}
            change = {key: value for key, value in wanted.items() if value is not None and value != now[key]}
            return Operation(
                f"Change {' and '.join(change) or 'nothing'} of issue {repository}#{number}.",
                (_patch(repository, number, change),),
                lambda answers: made(answers[-1]),
                found=None if change else Changed(number=number, state=wire.state, url=wire.html_url),
            )

        return await kit.change(
            ctx, "github_update_issue", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_close(kit: Kit) -> None:
    @kit.writes("GitHub: close an issue", destructive=True, idempotent=True)
    async def github_close_issue(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: IssueNumber,
        reason: Annotated[
            Literal["completed", "not_planned"], Field(description="Why it is closed.")
        ] = "completed",
        reopen: Annotated[bool, Field(description="Open a closed one again instead.")] = False,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Close an issue, or open it again."""

        async def prepare(repository: RepositoryName) -> Operation:
            wire = await issue_wire(kit, owner, repo, number)
            state = "open" if reopen else "closed"
            change = {"state": state} | ({} if reopen else {"state_reason": reason})
            return Operation(
                f"{'Reopen' if reopen else 'Close'} issue {repository}#{number}.",
                (_patch(repository, number, change),),
                lambda answers: made(answers[-1]),
                found=Changed(number=number, state=state, url=wire.html_url) if wire.state == state else None,
            )

        return await kit.change(
            ctx, "github_close_issue", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_comment(kit: Kit) -> None:
    @kit.writes("GitHub: comment on an issue")
    async def github_comment_issue(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: IssueNumber,
        body: Comment,
        idempotency_key: Key = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Comment on an issue."""

        async def prepare(repository: RepositoryName) -> Operation:
            await issue_wire(kit, owner, repo, number)
            return Operation(
                f"Comment on issue {repository}#{number}.",
                (comment_request(kit, repository, number, body, idempotency_key),),
                lambda answers: made(answers[-1], number),
            )

        return await kit.change(
            ctx, "github_comment_issue", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_label(kit: Kit) -> None:
    @kit.writes("GitHub: label an issue or pull request", destructive=True, idempotent=True)
    async def github_label(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        number: IssueNumber,
        add: Labels = [],  # noqa: B006
        remove: Labels = [],  # noqa: B006
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Add labels to an issue or pull request, and remove labels from it."""

        async def prepare(repository: RepositoryName) -> Operation:
            what = f"the labels of {repository}#{number}"
            entries, _ = await kit.reader.every(repository, "issues", number, "labels", what=what, pages=2)
            now = {str(entry.get("name", "")).lower() for entry in entries if isinstance(entry, dict)}
            place = ("repos", repository.owner, repository.name, "issues", number, "labels")
            requests = []
            if new := [label for label in add if label.lower() not in now]:
                requests.append(Request("POST", place, what, {"labels": new}, repeatable=True))
            requests += [
                Request(
                    "DELETE", (*place, label), what, look=_look_for_absence(kit, repository, number, label)
                )
                for label in remove
                if label.lower() in now
            ]
            return Operation(
                f"Add {len(add)} and remove {len(remove)} label(s) of {repository}#{number}.",
                tuple(requests),
                lambda _: Changed(number=number),
                found=None if requests else Changed(number=number),
            )

        return await kit.change(
            ctx, "github_label", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _look_for_absence(kit: Kit, repository: RepositoryName, number: int, label: str) -> Any:
    async def look() -> list[Any] | None:
        what = f"the labels of {repository}#{number}"
        entries, _ = await kit.reader.every(repository, "issues", number, "labels", what=what, pages=2)
        there = any(isinstance(one, dict) and one.get("name", "").lower() == label.lower() for one in entries)
        return None if there else entries

    return look


def _patch(repository: RepositoryName, number: int, change: dict[str, Any]) -> Request:
    path = ("repos", repository.owner, repository.name, "issues", number)
    return Request("PATCH", path, f"issue {repository}#{number}", change, repeatable=True)

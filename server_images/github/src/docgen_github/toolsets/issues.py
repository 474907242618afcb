"""Reading issues and what was said about them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter

from docgen_github import shapes
from docgen_github.errors import NotFound
from docgen_github.toolsets.arguments import IssueNumber, Owner, Page, PerPage, Repo, State
from docgen_github.toolsets.kit import Kit
from docgen_github.toolsets.pulls import CommentPage, comments
from docgen_github.translate import BODY_BYTES, LABEL_BYTES, LABELS, TITLE_BYTES
from docgen_github.untrusted import bounded, clip
from docgen_github.wire import WireIssue, read_as


class IssueText(shapes.Shape):
    """Written by the author of the issue and the people of the repository."""

    title: str
    labels: list[str] = Field(default_factory=list)
    body: str | None = Field(None, description="Description; null in lists.")
    body_truncated: bool = False


class Issue(shapes.Shape):
    """One issue in a list."""

    number: int
    state: str
    reason: str | None = Field(description="Why it is closed: completed, not_planned, duplicate.")
    author: str | None
    assignees: list[str]
    comments: int
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    untrusted: IssueText


class IssuePage(shapes.ResultShape):
    """One page of issues, newest first; pull requests are left out, so a page may hold fewer than asked."""

    repository: str
    issues: list[Issue]
    next_page: int | None


class IssueDetails(Issue, shapes.ResultShape):
    """One issue with its description."""

    repository: str


_ISSUE = TypeAdapter(WireIssue)
_ISSUES = TypeAdapter(list[WireIssue])


def add_issues(kit: Kit) -> None:
    """Register what reads issues."""
    _add_list(kit)
    _add_get(kit)


def _add_list(kit: Kit) -> None:
    @kit.reads("GitHub: list issues")
    async def github_list_issues(
        owner: Owner,
        repo: Repo,
        state: Annotated[State, Field(description="Which issues.")] = "open",
        label: Annotated[
            str | None, Field(description="Only those with this label.", min_length=1, max_length=50)
        ] = None,
        page: Page = 1,
        per_page: PerPage = 30,
    ) -> IssuePage:
        """List issues of a repository, newest first, without their descriptions."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the issues of {allowed}"
        answer = await kit.reader.get(
            allowed, "issues", what=what, state=state, labels=label, page=page, per_page=per_page
        )
        wires = read_as(_ISSUES, answer.value, what)
        return IssuePage(
            repository=str(allowed),
            issues=[_issue(wire) for wire in wires if wire.pull_request is None],
            next_page=page + 1 if answer.next_url else None,
        )


def _add_get(kit: Kit) -> None:
    @kit.reads("GitHub: issue")
    async def github_get_issue(owner: Owner, repo: Repo, number: IssueNumber) -> IssueDetails:
        """Read one issue with its description."""
        allowed = kit.reader.allowed(owner, repo)
        wire = await issue_wire(kit, owner, repo, number)
        body, cut = bounded(wire.body or "", BODY_BYTES)
        values = dict(_issue(wire))
        values["untrusted"] = values["untrusted"].model_copy(update={"body": body, "body_truncated": cut})
        return IssueDetails(**values, repository=str(allowed))

    @kit.reads("GitHub: comments on an issue")
    async def github_list_issue_comments(
        owner: Owner, repo: Repo, number: IssueNumber, page: Page = 1, per_page: PerPage = 30
    ) -> CommentPage:
        """Read the comments on an issue, oldest first."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the comments on issue {allowed}#{number}"
        answer = await kit.reader.get(
            allowed, "issues", number, "comments", what=what, page=page, per_page=per_page
        )
        return CommentPage(
            repository=str(allowed),
            number=number,
            comments=comments(answer.value, what),
            next_page=page + 1 if answer.next_url else None,
        )


async def issue_wire(kit: Kit, owner: str, repo: str, number: int) -> WireIssue:
    """One issue as GitHub sends it. Raises `NotFound` for a pull request, which GitHub counts among them."""
    allowed = kit.reader.allowed(owner, repo)
    what = f"issue {allowed}#{number}"
    wire = read_as(_ISSUE, (await kit.reader.get(allowed, "issues", number, what=what)).value, what)
    if wire.pull_request is not None:
        raise NotFound(f"{allowed}#{number} is a pull request.", "use the tools for pull requests")
    return wire


def _issue(wire: WireIssue) -> Issue:
    return Issue(
        number=wire.number,
        state=wire.state,
        reason=wire.state_reason,
        author=wire.user.login if wire.user else None,
        assignees=[user.login for user in wire.assignees],
        comments=wire.comments,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        closed_at=wire.closed_at,
        untrusted=IssueText(
            title=clip(wire.title, TITLE_BYTES),
            labels=[clip(label.name, LABEL_BYTES) for label in wire.labels[:LABELS]],
        ),
    )

"""Reading pull requests, their changes, reviews and comments."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter

from docgen_github import shapes
from docgen_github.toolsets.arguments import Owner, Page, PerPage, PullNumber, Repo, State
from docgen_github.toolsets.kit import Kit
from docgen_github.translate import NAME_BYTES
from docgen_github.untrusted import bounded, clip
from docgen_github.wire import WireComment, WireReview, read_as

#: Bytes of one comment or review in a list.
COMMENT_BYTES = 4_000
DIFF_BYTES = 120_000

Base = Annotated[
    str | None, Field(description="Only pull requests into this branch.", min_length=1, max_length=244)
]


class BodyText(shapes.Shape):
    """Written by whoever wrote the comment."""

    body: str
    body_truncated: bool = False
    path: str | None = Field(None, description="File of a comment on a line.")


class ReviewEntry(shapes.Shape):
    """One review."""

    id: int
    author: str | None
    state: str = Field(description="approved, changes_requested, commented, dismissed or pending.")
    commit: str | None = Field(description="Commit that was reviewed.")
    submitted_at: datetime | None
    untrusted: BodyText


class ReviewPage(shapes.ResultShape):
    """One page of reviews, oldest first."""

    repository: str
    number: int
    reviews: list[ReviewEntry]
    next_page: int | None


class CommentEntry(shapes.Shape):
    """One comment."""

    id: int
    author: str | None
    created_at: datetime
    updated_at: datetime
    line: int | None = Field(None, description="Line of the file, for a comment on one.")
    untrusted: BodyText


class CommentPage(shapes.ResultShape):
    """One page of comments, oldest first."""

    repository: str
    number: int
    comments: list[CommentEntry]
    next_page: int | None


class DiffText(shapes.Shape):
    """Written by the author of the pull request."""

    diff: str


class Diff(shapes.ResultShape):
    """The whole change as a unified diff."""

    repository: str
    number: int
    next_offset: int | None = Field(description="Ask with this offset for what follows; null at the end.")
    untrusted: DiffText


_REVIEWS = TypeAdapter(list[WireReview])
_COMMENTS = TypeAdapter(list[WireComment])


def add_pulls(kit: Kit) -> None:
    """Register what reads pull requests."""
    _add_facts(kit)
    _add_changes(kit)
    _add_talk(kit)


def _add_facts(kit: Kit) -> None:
    @kit.reads("GitHub: list pull requests")
    async def github_list_pulls(
        owner: Owner,
        repo: Repo,
        state: Annotated[State, Field(description="Which pull requests.")] = "open",
        base: Base = None,
        page: Page = 1,
        per_page: PerPage = 30,
    ) -> shapes.PullPage:
        """List pull requests of a repository, newest first, without their descriptions."""
        return await kit.reader.pulls(owner, repo, state=state, base=base, page=page, per_page=per_page)

    @kit.reads("GitHub: pull request")
    async def github_get_pull(owner: Owner, repo: Repo, number: PullNumber) -> shapes.PullDetails:
        """Read one pull request: description, head commit, whether it can be merged, sizes, reviews."""
        return await kit.reader.pull(owner, repo, number)


def _add_changes(kit: Kit) -> None:
    @kit.reads("GitHub: files of a pull request")
    async def github_get_pull_files(
        owner: Owner, repo: Repo, number: PullNumber, page: Page = 1, per_page: PerPage = 30
    ) -> shapes.FilePage:
        """Read the files that a pull request changes, with their patches; long patches are cut and say so."""
        return await kit.reader.files(owner, repo, number, page=page, per_page=per_page)

    @kit.reads("GitHub: diff of a pull request")
    async def github_get_pull_diff(
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        offset: Annotated[
            int, Field(description="Where to go on; `next_offset` of the answer before.", ge=0)
        ] = 0,
    ) -> Diff:
        """Read the whole change of a pull request as one unified diff; long ones in parts."""
        allowed = kit.reader.allowed(owner, repo)
        raw = await kit.client.text(
            ("repos", allowed.owner, allowed.name, "pulls", number),
            what=f"pull request {allowed}#{number}",
            accept="application/vnd.github.diff",
        )
        rest = raw.decode(errors="replace")[offset:]
        part, cut = bounded(rest, DIFF_BYTES)
        return Diff(
            repository=str(allowed),
            number=number,
            next_offset=offset + len(part) if cut else None,
            untrusted=DiffText(diff=part),
        )


def _add_talk(kit: Kit) -> None:
    @kit.reads("GitHub: reviews of a pull request")
    async def github_list_reviews(
        owner: Owner, repo: Repo, number: PullNumber, page: Page = 1, per_page: PerPage = 30
    ) -> ReviewPage:
        """Read the reviews of a pull request, oldest first, with the commit that each is of."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the reviews of pull request {allowed}#{number}"
        answer = await kit.reader.get(
            allowed, "pulls", number, "reviews", what=what, page=page, per_page=per_page
        )
        return ReviewPage(
            repository=str(allowed),
            number=number,
            reviews=[_review(wire) for wire in read_as(_REVIEWS, answer.value, what)],
            next_page=page + 1 if answer.next_url else None,
        )

    @kit.reads("GitHub: comments on a pull request")
    async def github_list_pull_comments(
        owner: Owner,
        repo: Repo,
        number: PullNumber,
        on_lines: Annotated[
            bool, Field(description="Those on lines of files; else the conversation.")
        ] = False,
        page: Page = 1,
        per_page: PerPage = 30,
    ) -> CommentPage:
        """Read the comments on a pull request, oldest first."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the comments on pull request {allowed}#{number}"
        place = ("pulls" if on_lines else "issues", number, "comments")
        answer = await kit.reader.get(allowed, *place, what=what, page=page, per_page=per_page)
        return CommentPage(
            repository=str(allowed),
            number=number,
            comments=comments(answer.value, what),
            next_page=page + 1 if answer.next_url else None,
        )


def comments(value: object, what: str) -> list[CommentEntry]:
    """Comments in our shape."""
    return [_comment(wire) for wire in read_as(_COMMENTS, value, what)]


def _comment(wire: WireComment) -> CommentEntry:
    body, cut = bounded(wire.body or "", COMMENT_BYTES)
    return CommentEntry(
        id=wire.id,
        author=wire.user.login if wire.user else None,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        line=wire.line,
        untrusted=BodyText(
            body=body, body_truncated=cut, path=clip(wire.path, NAME_BYTES) if wire.path else None
        ),
    )


def _review(wire: WireReview) -> ReviewEntry:
    body, cut = bounded(wire.body or "", COMMENT_BYTES)
    return ReviewEntry(
        id=wire.id,
        author=wire.user.login if wire.user else None,
        state=wire.state.lower(),
        commit=wire.commit_id,
        submitted_at=wire.submitted_at,
        untrusted=BodyText(body=body, body_truncated=cut),
    )

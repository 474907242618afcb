"""What GitHub sends, as far as it is used here.

Values that results show outside `untrusted` must match a pattern already here, so that no free text slips
through a field that looks harmless. An answer of another shape is a `BadAnswer`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from docgen_github.errors import BadAnswer

Sha = Annotated[str, Field(pattern=r"\A[0-9a-f]{40}(?:[0-9a-f]{24})?\z")]
Login = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.-]{1,100}(?:\[bot\])?\z")]
FullName = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}\z")]
Word = Annotated[str, Field(pattern=r"\A[A-Za-z_]{1,30}\z")]
WebUrl = Annotated[
    str, Field(pattern=r"\Ahttps?://[A-Za-z0-9.-]+(?::\d+)?/[A-Za-z0-9._~/#?=&%:@+-]{0,2000}\z")
]
Count = Annotated[int, Field(ge=0, le=2**53)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class WireUser(_Wire):
    """An account."""

    login: Login


class WireLabel(_Wire):
    """A label; anybody with write access names it."""

    name: str = ""


class WireRepository(_Wire):
    """A repository, from a list or by itself."""

    full_name: FullName
    private: bool
    archived: bool = False
    disabled: bool = False
    fork: bool = False
    visibility: Word | None = None
    default_branch: str = ""
    description: str | None = None
    homepage: str | None = None
    language: str | None = None
    topics: list[str] = []
    stargazers_count: Count = 0
    forks_count: Count = 0
    open_issues_count: Count = 0
    created_at: datetime | None = None
    pushed_at: datetime | None = None


class WireNamed(_Wire):
    """The repository at one side of a pull request."""

    full_name: FullName


class WireSide(_Wire):
    """Head or base of a pull request; `repo` is null when a fork was deleted."""

    ref: str
    sha: Sha
    repo: WireNamed | None = None


class WirePull(_Wire):
    """A pull request; the later fields come only when it is asked for by itself."""

    number: Annotated[int, Field(ge=1)]
    state: Literal["open", "closed"]
    title: str
    body: str | None = None
    draft: bool = False
    user: WireUser | None = None
    labels: list[WireLabel] = []
    head: WireSide
    base: WireSide
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged: bool | None = None
    mergeable: bool | None = None
    mergeable_state: Word | None = None
    commits: Count | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    comments: Count | None = None
    review_comments: Count | None = None
    requested_reviewers: list[WireUser] = []
    merge_commit_sha: Sha | None = None
    html_url: WebUrl | None = None


class WireReview(_Wire):
    """One review; `user` is null for a deleted account."""

    id: Count = 0
    user: WireUser | None = None
    state: Word
    body: str | None = None
    commit_id: Sha | None = None
    author_association: Word = "NONE"
    submitted_at: datetime | None = None
    html_url: WebUrl | None = None


class WireComment(_Wire):
    """A comment on an issue, a pull request, or a line of one."""

    id: Count
    user: WireUser | None = None
    body: str | None = None
    created_at: datetime
    updated_at: datetime
    html_url: WebUrl | None = None
    path: str | None = None
    line: int | None = None
    side: Word | None = None
    commit_id: Sha | None = None


class WireIssue(_Wire):
    """An issue; GitHub lists pull requests among them, with `pull_request`."""

    number: Annotated[int, Field(ge=1)]
    title: str
    state: Literal["open", "closed"]
    state_reason: Word | None = None
    body: str | None = None
    user: WireUser | None = None
    labels: list[WireLabel] = []
    assignees: list[WireUser] = []
    comments: Count = 0
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    html_url: WebUrl | None = None
    pull_request: dict[str, Any] | None = None


class WireObject(_Wire):
    """Anything that is named by its id in git."""

    sha: Sha


class WireBranch(_Wire):
    """A branch; `protection` comes only when it is asked for by itself."""

    name: str
    commit: WireObject
    protected: bool = False
    protection: dict[str, Any] | None = None


class WireCheckRun(_Wire):
    """One run of a check."""

    id: Count
    name: str
    status: Word
    conclusion: Word | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    head_sha: Sha


class WireStatus(_Wire):
    """A commit status, which older tools report instead of check runs."""

    context: str
    state: Word
    description: str | None = None
    updated_at: datetime | None = None


class WireRelease(_Wire):
    """A release; `published_at` is null for a draft."""

    id: Count
    tag_name: str
    name: str | None = None
    body: str | None = None
    draft: bool
    prerelease: bool
    author: WireUser | None = None
    created_at: datetime
    published_at: datetime | None = None
    html_url: WebUrl | None = None


class WireMade(_Wire):
    """What creating something answers, as far as it is told on."""

    number: int | None = None
    id: Count | None = None
    sha: Sha | None = None
    state: Word | None = None
    merged: bool | None = None
    html_url: WebUrl | None = None


class WireFile(_Wire):
    """One changed file; `patch` is absent for binary and for very large changes."""

    filename: str
    status: Word
    additions: Count
    deletions: Count
    changes: Count
    sha: Sha | None = None
    previous_filename: str | None = None
    patch: str | None = None


_T = TypeVar("_T")


def read_as(shape: TypeAdapter[_T], value: Any, what: str) -> _T:
    """The value in its shape; `BadAnswer` names what was asked for and the first wrong field."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(str(part) for part in first["loc"]) or "the answer itself"
        raise BadAnswer(f"GitHub's answer for {what} is not of the documented shape, at {place}.") from None

"""What the tools answer; see `untrusted` for the rule that every shape here keeps."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from docgen_github.untrusted import NOTICE


class Shape(BaseModel):
    """Frozen, as every answer is."""

    model_config = ConfigDict(frozen=True)


class ResultShape(Shape):
    """An answer with text of others in it."""

    notice: str = Field(NOTICE, description="How to read `untrusted`.")


class Rate(Shape):
    """GitHub's counters in its last answer."""

    limit: int = Field(description="Requests per window.")
    remaining: int = Field(description="Requests left in it.")
    reset: datetime = Field(description="When the window ends.")


class Status(Shape):
    """How this server is set up."""

    api_host: str = Field(description="Host of the GitHub REST API.")
    https: bool = Field(description="Whether the token travels encrypted.")
    repositories: list[str] = Field(description="The allowlist: owner/name, or owner/* for all of an owner.")
    toolsets: list[str] = Field(description="Groups of tools that are switched on.")
    read_only: bool = Field(description="Whether nothing can be changed.")
    write_repositories: list[str] = Field(description="Repositories that may be changed, if not read-only.")
    token: bool = Field(description="Whether requests carry a token.")
    egress_proxy: bool = Field(description="Whether requests go through the stack's egress proxy.")
    rate: Rate | None = Field(description="Counters last seen; null before the first request.")
    waits_seconds: int = Field(
        description="Seconds until GitHub may be asked again after a rate limit; or 0."
    )
    problems: list[str] = Field(description="What is wrong with the configuration; empty when nothing is.")


class RepositoryText(Shape):
    """Written by the people of the repository."""

    description: str = ""
    homepage: str = ""
    default_branch: str = ""
    language: str = ""
    topics: list[str] = []


class ListedRepository(Shape):
    """A repository that may be read; details are null where GitHub was not asked (entries owner/name)."""

    full_name: str
    allowed_by: str = Field(description="The entry of the allowlist that admits it.")
    private: bool | None = None
    archived: bool | None = None
    fork: bool | None = None
    pushed_at: datetime | None = None


class RepositoryList(Shape):
    """All repositories that may be read."""

    repositories: list[ListedRepository]
    incomplete: list[str] = Field(description="Entries of the allowlist not listed to the end, and why.")


class Repository(ResultShape):
    """One repository."""

    full_name: str
    visibility: str
    private: bool
    archived: bool
    disabled: bool
    fork: bool
    stars: int
    forks: int
    open_issues: int = Field(description="Open issues and pull requests together, as GitHub counts.")
    created_at: datetime | None
    pushed_at: datetime | None
    untrusted: RepositoryText


class PullText(Shape):
    """Written by the author of the pull request and the people of the repository."""

    title: str
    head_branch: str
    base_branch: str
    labels: list[str] = []
    body: str | None = Field(None, description="Description; null in lists.")
    body_truncated: bool = False


class Pull(Shape):
    """One pull request in a list."""

    number: int
    state: Literal["open", "closed"]
    draft: bool
    author: str | None = Field(description="Login; null for a deleted account.")
    head_sha: str
    base_sha: str
    head_repository: str | None = Field(description="owner/name; null for a deleted fork.")
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    untrusted: PullText


class PullPage(ResultShape):
    """One page of pull requests, newest first."""

    repository: str
    pulls: list[Pull]
    next_page: int | None = Field(description="Ask for this page next; null on the last one.")


class Reviews(Shape):
    """Reviewers by their last decision."""

    approved: int = 0
    changes_requested: int = 0
    commented: int = 0
    dismissed: int = 0
    complete: bool = Field(True, description="False when there are more reviews than were read.")


class PullDetails(Pull, ResultShape):
    """One pull request with all that lists leave out."""

    repository: str
    merged: bool
    mergeable: bool | None = Field(description="null while GitHub has not computed it.")
    mergeable_state: str = Field(
        description="GitHub's word: clean, dirty, blocked, behind, unstable, unknown."
    )
    commits: int
    additions: int
    deletions: int
    changed_files: int
    comments: int
    review_comments: int
    reviews: Reviews
    requested_reviewers: list[str]


class FileText(Shape):
    """Written by the author of the pull request."""

    filename: str
    previous_filename: str | None = None
    patch: str | None = Field(
        None, description="Unified diff; null when GitHub sends none (binary, too large)."
    )
    patch_truncated: bool = False


class ChangedFile(Shape):
    """One file of a pull request."""

    status: str = Field(description="added, removed, modified, renamed, copied, changed or unchanged.")
    additions: int
    deletions: int
    changes: int
    blob_sha: str | None
    untrusted: FileText


class FilePage(ResultShape):
    """One page of changed files."""

    repository: str
    number: int
    files: list[ChangedFile]
    next_page: int | None = Field(description="Ask for this page next; null on the last one.")

"""Arguments that several tools share, with the words that models read."""

from typing import Annotated, Literal

from pydantic import Field

Owner = Annotated[str, Field(description="User or organisation.", max_length=100, examples=["octo-org"])]
Repo = Annotated[str, Field(description="Name without the owner.", max_length=100, examples=["demo"])]
PullNumber = Annotated[int, Field(description="Number of the pull request.", ge=1, le=2**31 - 1)]
IssueNumber = Annotated[int, Field(description="Number of the issue.", ge=1, le=2**31 - 1)]
Page = Annotated[int, Field(description="Page to read; `next_page` of the page before.", ge=1, le=100_000)]
PerPage = Annotated[int, Field(description="Entries per page.", ge=1, le=100)]
Sha = Annotated[str, Field(description="Commit, all 40 digits.", pattern=r"^[0-9a-f]{40}$")]
OptionalSha = Annotated[
    str | None,
    Field(description="Refuse unless the branch still has this head commit.", pattern=r"^[0-9a-f]{40}$"),
]
Branch = Annotated[str, Field(description="Branch, without refs/heads/.", min_length=1, max_length=244)]
OptionalRef = Annotated[
    str | None,
    Field(
        description="Branch, tag or commit; the default branch if not given.", min_length=1, max_length=244
    ),
]
FilePath = Annotated[
    str, Field(description="Path in the repository, like docs/guide.md.", min_length=1, max_length=4096)
]
Title = Annotated[str, Field(description="Title, one line.", min_length=1, max_length=256)]
OptionalTitle = Annotated[
    str | None, Field(description="New title; not given: as it is.", min_length=1, max_length=256)
]
Text = Annotated[str, Field(description="Markdown.", max_length=60_000)]
OptionalText = Annotated[str | None, Field(description="Markdown; not given: as it is.", max_length=60_000)]
Comment = Annotated[str, Field(description="Markdown.", min_length=1, max_length=60_000)]
DryRun = Annotated[bool, Field(description="Only answer the requests that would be sent; send none.")]
Token = Annotated[
    str | None,
    Field(description="From an answer with status confirmation_required, to confirm it.", max_length=100),
]
Key = Annotated[
    str | None,
    Field(
        description="Any name for this very change; calling again with it never makes the change twice.",
        min_length=1,
        max_length=200,
    ),
]
State = Literal["open", "closed", "all"]

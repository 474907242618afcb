"""A change before it is made: what it is in one sentence, its requests, and what comes of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from docgen_github.request import Request


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Changed(_Shape):
    """What a change left behind, as far as it concerns the tool; the rest is null."""

    number: int | None = Field(None, description="Number of the pull request or issue.")
    sha: str | None = Field(None, description="Commit: the branch's new head, or the merge.")
    branch: str | None = Field(None, description="Branch that was changed.")
    id: int | None = Field(None, description="Identifies a comment, review or release.")
    state: str | None = Field(None, description="What it is now, such as open, closed, merged, approved.")
    url: str | None = Field(None, description="Page on GitHub.")


class PlannedRequest(_Shape):
    """One request to GitHub's REST API that would be sent."""

    method: str
    path: str
    body: Any = Field(None, description="JSON body; <…> stands for a value that an earlier request answers.")


class Outcome(_Shape):
    """What became of a change."""

    status: Literal["done", "already_done", "dry_run", "confirmation_required"] = Field(
        description="already_done: GitHub was as wanted before, and nothing was sent."
    )
    summary: str = Field(description="The change in one sentence.")
    result: Changed | None = Field(None, description="What it left behind; null when nothing was done.")
    requests: list[PlannedRequest] = Field([], description="What would be sent, in this order.")
    confirmation_token: str | None = Field(
        None, description="Call again with it and the same arguments to make the change; good once."
    )
    confirmation_expires_s: int | None = Field(None, description="For how many seconds it is good.")


@dataclass(frozen=True)
class Operation:
    """`found` is what is there already, so that nothing has to be sent; `grave` changes ask first."""

    summary: str
    requests: tuple[Request, ...] = ()
    result: Callable[[list[Any]], Changed] = lambda _: Changed()
    grave: bool = False
    found: Changed | None = None


Prepare = Callable[[], Awaitable[Operation]]

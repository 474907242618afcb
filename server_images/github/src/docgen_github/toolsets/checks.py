"""Reading checks of a commit, and waiting until they are finished."""

import time
from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver import Context
from pydantic import Field

from docgen_github import shapes
from docgen_github.errors import GitHubError
from docgen_github.merge_policy import GOOD
from docgen_github.policy import RepositoryName
from docgen_github.toolsets.arguments import Owner, Repo, Sha
from docgen_github.toolsets.kit import Kit
from docgen_github.toolsets.merge_facts import checks_of
from docgen_github.translate import NAME_BYTES
from docgen_github.untrusted import clip

#: Checks in one answer.
MOST = 300
#: Seconds to wait unless it is said; a call that becomes no task is ended after ten minutes.
WAIT_S = 540

State = Literal["success", "failure", "pending", "none"]


class CheckText(shapes.Shape):
    """Chosen by whoever reports the check."""

    name: str


class Check(shapes.Shape):
    """One check of a commit."""

    kind: Literal["run", "status"] = Field(description="A check run, or a commit status of an older tool.")
    state: str = Field(description="pending while it is not finished; else GitHub's conclusion.")
    untrusted: CheckText


class Checks(shapes.ResultShape):
    """All checks of a commit."""

    repository: str
    sha: str
    state: State = Field(
        description="pending: some are not finished; failure: some did not succeed; none: there are none."
    )
    waited_s: int = Field(0, description="How long this call waited.")
    timed_out: bool = Field(False, description="True when they were still not finished after that.")
    checks: list[Check]
    complete: bool = Field(description="False when there are more checks than were read.")


def add_checks(kit: Kit) -> None:
    """Register what reads checks."""

    @kit.reads("GitHub: checks of a commit")
    async def github_list_checks(owner: Owner, repo: Repo, sha: Sha) -> Checks:
        """Read the checks and statuses of a commit, such as the head of a pull request."""
        return await _checks(kit, kit.reader.allowed(owner, repo), sha)

    @kit.reads("GitHub: wait for checks")
    async def github_wait_for_checks(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        sha: Sha,
        timeout_s: Annotated[int, Field(description="How long to wait at most.", ge=1, le=1500)] = WAIT_S,
        at_least: Annotated[
            int, Field(description="How many checks there must be; some appear late.", ge=0, le=100)
        ] = 1,
    ) -> Checks:
        """Wait until all checks of a commit are finished; tells progress, and becomes a task where it can."""
        return await _waited(kit, ctx, kit.reader.allowed(owner, repo), sha, timeout_s, at_least)


async def _waited(
    kit: Kit, ctx: Context, repository: RepositoryName, sha: str, timeout_s: int, at_least: int
) -> Checks:
    """The checks once they are finished, or as they are when the time is over."""
    begun = time.monotonic()
    found = await _checks(kit, repository, sha)
    told = -1
    while True:
        ended = sum(1 for check in found.checks if check.state != "pending")
        if ended > told:  # progress that does not grow is none
            told = ended
            await ctx.report_progress(ended, max(len(found.checks), at_least), f"{ended} checks finished")
        waited = time.monotonic() - begun
        done = ended == len(found.checks) >= at_least
        if done or waited >= timeout_s:
            return found.model_copy(update={"waited_s": int(waited), "timed_out": not done})
        await anyio.sleep(min(kit.bounds.look_every_s, timeout_s - waited))
        try:
            found = await _checks(kit, repository, sha)
        except GitHubError as error:
            if not error.transient:
                raise


async def _checks(kit: Kit, repository: RepositoryName, sha: str) -> Checks:
    runs, statuses, complete = await checks_of(kit, repository, sha)
    checks = [
        Check(
            kind="run",
            state=(run.conclusion or "pending") if run.status == "completed" else "pending",
            untrusted=CheckText(name=clip(run.name, NAME_BYTES)),
        )
        for run in runs
    ]
    checks += [
        Check(kind="status", state=status.state, untrusted=CheckText(name=clip(status.context, NAME_BYTES)))
        for status in statuses
    ]
    return Checks(
        repository=str(repository),
        sha=sha,
        state=_state([check.state for check in checks]),
        checks=checks[:MOST],
        complete=complete and len(checks) <= MOST,
    )


def _state(states: list[str]) -> State:
    if not states:
        return "none"
    if any(state not in {*GOOD, "pending"} for state in states):
        return "failure"
    return "pending" if "pending" in states else "success"

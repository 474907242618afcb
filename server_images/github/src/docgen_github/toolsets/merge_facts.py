"""Asks GitHub for everything that the merge policy judges by."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from docgen_github.merge_policy import GOOD, MergeFacts, Review
from docgen_github.policy import RepositoryName
from docgen_github.toolsets.kit import Kit
from docgen_github.wire import WireBranch, WireCheckRun, WireReview, WireStatus, read_as

#: Pages of 100 reviews, runs or statuses that are read; with more, nothing is merged.
PAGES = 10

_REVIEWS = TypeAdapter(list[WireReview])
_RUNS = TypeAdapter(list[WireCheckRun])
_STATUSES = TypeAdapter(list[WireStatus])
_BRANCH = TypeAdapter(WireBranch)


async def merge_facts(kit: Kit, repository: RepositoryName, number: int) -> MergeFacts:
    """The pull request with its reviews, its checks, and what the target demands."""
    wire = await kit.reader.pull_wire(repository, number)
    what = f"the reviews of {repository}#{number}"
    found, complete = await kit.reader.every(repository, "pulls", number, "reviews", what=what, pages=PAGES)
    checks, checks_complete = await check_states(kit, repository, wire.head.sha)
    return MergeFacts(
        state=wire.state,
        draft=wire.draft,
        merged=bool(wire.merged) or wire.merged_at is not None,
        mergeable=wire.mergeable,
        head=wire.head.sha,
        author=wire.user.login if wire.user else None,
        reviews=tuple(_review(one) for one in read_as(_REVIEWS, found, what)),
        reviews_complete=complete,
        checks=checks,
        checks_complete=checks_complete,
        required=await _required(kit, repository, wire.base.ref),
        own_login=await kit.reader.own_login(),
    )


async def check_states(kit: Kit, repository: RepositoryName, sha: str) -> tuple[Mapping[str, str], bool]:
    """Check runs and commit statuses by name, the worst of those with one name, and whether all were read."""
    runs, statuses, complete = await checks_of(kit, repository, sha)
    states: dict[str, str] = {}
    told = [
        (run.name, run.conclusion or "pending" if run.status == "completed" else "pending") for run in runs
    ]
    told += [(status.context, status.state) for status in statuses]
    for name, state in told:
        states[name] = _worse(states.get(name), state)
    return states, complete


async def checks_of(
    kit: Kit, repository: RepositoryName, sha: str
) -> tuple[list[WireCheckRun], list[WireStatus], bool]:
    """The newest runs and statuses of a commit, and whether those are all."""
    what = f"the checks of {repository}"
    runs, all_runs = await kit.reader.every(
        repository, "commits", sha, "check-runs", what=what, pages=PAGES, filter="latest"
    )
    statuses, all_statuses = await kit.reader.every(
        repository, "commits", sha, "status", what=what, pages=PAGES
    )
    return read_as(_RUNS, runs, what), read_as(_STATUSES, statuses, what), all_runs and all_statuses


async def _required(kit: Kit, repository: RepositoryName, branch: str) -> tuple[str, ...]:
    """The checks that GitHub's protection of the target names."""
    what = f"the target of a pull request of {repository}"
    answer = await kit.reader.get(repository, "branches", branch, what=what)
    wire = read_as(_BRANCH, answer.value, what)
    demanded: Any = (wire.protection or {}).get("required_status_checks") or {}
    contexts = demanded.get("contexts", []) if isinstance(demanded, dict) else []
    return tuple(str(context) for context in contexts)


def _review(wire: WireReview) -> Review:
    login = wire.user.login if wire.user else ""
    return Review(login, wire.state.upper(), wire.commit_id, wire.author_association.upper())


def _worse(one: str | None, other: str) -> str:
    """Of two states of checks with one name the one that stands more in the way."""

    def rank(state: str) -> int:
        return 0 if state == "success" else 1 if state in GOOD else 2 if state == "pending" else 3

    return other if one is None or rank(other) > rank(one) else one

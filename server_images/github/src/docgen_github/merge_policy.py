"""Whether a pull request may be merged: facts in, reasons against it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgen_github.write_policy import MergePolicy

#: Conclusions of a check run that stand in nobody's way ("About status checks").
GOOD = frozenset({"success", "neutral", "skipped"})
#: Who may approve: those whom GitHub calls so have, or were given, access to the repository.
_INSIDERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


@dataclass(frozen=True)
class Review:
    """A decision on one commit, in the order in which they came."""

    login: str
    state: str
    commit: str | None
    association: str


@dataclass(frozen=True)
class MergeFacts:
    """What GitHub says of a pull request, its head and its target."""

    state: str
    draft: bool
    merged: bool
    mergeable: bool | None
    head: str
    author: str | None
    reviews: tuple[Review, ...]
    reviews_complete: bool
    #: name → conclusion of the newest run, `pending` while it has none
    checks: Mapping[str, str]
    checks_complete: bool
    #: checks that GitHub's own protection of the target asks for
    required: tuple[str, ...]
    #: login of the token, which must not approve its own merge
    own_login: str | None


def reasons_against(facts: MergeFacts, expected_head: str, method: str, policy: MergePolicy) -> list[str]:
    """Every reason not to merge; none when the merge is allowed."""
    return [
        *_of_request(facts, expected_head, method, policy),
        *_of_state(facts),
        *_of_reviews(facts, policy),
        *_of_checks(facts, policy),
    ]


def _of_request(facts: MergeFacts, expected_head: str, method: str, policy: MergePolicy) -> list[str]:
    reasons = []
    if facts.head != expected_head:
        reasons.append(f"its head is {facts.head}, not the expected {expected_head}")
    if method not in policy.methods:
        reasons.append(f"merging by {method} is not among the allowed methods")
    return reasons


def _of_state(facts: MergeFacts) -> list[str]:
    reasons = []
    if facts.state != "open":
        reasons.append("it is not open")
    if facts.draft:
        reasons.append("it is a draft")
    if facts.mergeable is False:
        reasons.append("it conflicts with its target")
    if facts.mergeable is None:
        reasons.append("GitHub has not yet computed whether it can be merged; ask again in a few seconds")
    return reasons


def _of_reviews(facts: MergeFacts, policy: MergePolicy) -> list[str]:
    last: dict[str, Review] = {}
    for review in facts.reviews:
        if review.state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:
            last[review.login.lower()] = review
    reasons = []
    if not facts.reviews_complete:
        reasons.append("it has more reviews than were read")
    refusing = sum(1 for review in last.values() if review.state == "CHANGES_REQUESTED")
    if refusing:
        reasons.append(f"{refusing} reviewer(s) requested changes")
    not_counted = {one.lower() for one in (facts.author, facts.own_login) if one}
    approvals = sum(
        1
        for login, review in last.items()
        if review.state == "APPROVED"
        and review.commit == facts.head
        and review.association in _INSIDERS
        and login not in not_counted
    )
    if approvals < policy.approvals:
        reasons.append(
            f"it has {approvals} of {policy.approvals} approvals of its head commit by people with access "
            "other than its author and the token's own account"
        )
    return reasons


def _of_checks(facts: MergeFacts, policy: MergePolicy) -> list[str]:
    reasons = [] if facts.checks_complete else ["it has more checks than were read"]
    running = sorted(name for name, state in facts.checks.items() if state == "pending")
    failed = sorted(name for name, state in facts.checks.items() if state not in {*GOOD, "pending"})
    wanted = {*facts.required, *policy.checks}
    missing = sorted(name for name in wanted if facts.checks.get(name) != "success")
    if failed:
        reasons.append(f"{len(failed)} check(s) did not succeed")
    if running:
        reasons.append(f"{len(running)} check(s) are not finished")
    if missing:
        reasons.append(f"{len(missing)} required check(s) have not succeeded")
    return reasons

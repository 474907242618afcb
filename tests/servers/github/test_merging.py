"""A pull request is merged by policy alone."""

import pytest
from docgen_github.merge_policy import MergeFacts, Review, reasons_against
from docgen_github.write_policy import MergePolicy

from tests.servers.github.world import World

HEAD, OLD = "a" * 40, "b" * 40
YES = Review("rev", "APPROVED", HEAD, "MEMBER")
GOOD = {
    "state": "open",
    "draft": False,
    "merged": False,
    "mergeable": True,
    "head": HEAD,
    "author": "author",
    "reviews": (YES,),
    "reviews_complete": True,
    "checks": {"tests": "success"},
    "checks_complete": True,
    "required": (),
    "own_login": "bot",
}
POLICY = MergePolicy(methods=("squash",), approvals=1, checks=("tests",))


def test_what_is_in_order_is_merged():
    assert reasons_against(MergeFacts(**GOOD), HEAD, "squash", POLICY) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"head": OLD}, f"its head is {OLD}"),
        ({"state": "closed"}, "not open"),
        ({"draft": True}, "draft"),
        ({"mergeable": False}, "conflicts"),
        ({"mergeable": None}, "not yet computed"),
        ({"reviews": ()}, "0 of 1 approvals"),
        ({"reviews": (Review("rev", "APPROVED", OLD, "MEMBER"),)}, "0 of 1 approvals"),
        ({"reviews": (Review("rev", "APPROVED", HEAD, "NONE"),)}, "0 of 1 approvals"),
        ({"reviews": (Review("rev", "APPROVED", HEAD, "CONTRIBUTOR"),)}, "0 of 1 approvals"),
        ({"reviews": (Review("BOT", "APPROVED", HEAD, "MEMBER"),)}, "0 of 1 approvals"),
        ({"reviews": (Review("Author", "APPROVED", HEAD, "MEMBER"),)}, "0 of 1 approvals"),
        ({"reviews": (YES, Review("rev", "DISMISSED", HEAD, "MEMBER"))}, "0 of 1 approvals"),
        (
            {"reviews": (YES, Review("x", "CHANGES_REQUESTED", OLD, "NONE"))},
            "1 reviewer(s) requested changes",
        ),
        ({"reviews_complete": False}, "more reviews"),
        ({"checks": {}}, "1 required check(s)"),
        ({"checks": {"tests": "pending"}}, "1 check(s) are not finished"),
        ({"checks": {"tests": "success", "lint": "failure"}}, "1 check(s) did not succeed"),
        ({"checks": {"tests": "success", "lint": "invented"}}, "1 check(s) did not succeed"),
        ({"checks": {"tests": "skipped"}}, "1 required check(s)"),
        ({"required": ("build",)}, "1 required check(s)"),
        ({"checks_complete": False}, "more checks"),
    ],
)
def test_each_thing_out_of_order_is_a_reason(facts: dict[str, object], words: str):
    reasons = reasons_against(MergeFacts(**{**GOOD, **facts}), HEAD, "squash", POLICY)
    assert any(words in reason for reason in reasons), reasons


def test_a_later_approval_takes_back_requested_changes():
    reviews = (Review("rev", "CHANGES_REQUESTED", HEAD, "MEMBER"), Review("rev", "COMMENTED", HEAD, "MEMBER"))
    refused = reasons_against(MergeFacts(**{**GOOD, "reviews": reviews}), HEAD, "squash", POLICY)
    assert "1 reviewer(s) requested changes" in refused
    assert reasons_against(MergeFacts(**{**GOOD, "reviews": (*reviews, YES)}), HEAD, "squash", POLICY) == []


@pytest.mark.parametrize("methods", [(), ("rebase",)])
def test_only_allowed_methods_merge(methods: tuple[str, ...]):
    policy = MergePolicy(methods=methods, approvals=1)
    assert "not among the allowed" in reasons_against(MergeFacts(**GOOD), HEAD, "squash", policy)[0]


@pytest.mark.anyio
async def test_a_head_that_moved_before_the_merge_is_refused_here(world: World):
    pull = world.open_pull()
    world.direct("POST", f"/pulls/{pull['number']}/reviews", event="APPROVE", commit_id=pull["head"]["sha"])
    said = await world.refused("github_merge_pull", number=pull["number"], expected_head_sha="f" * 40)
    assert "not the expected" in said
    assert world.front.writes == []


@pytest.mark.anyio
async def test_a_head_that_moves_between_the_look_and_the_merge_is_refused_by_github(world: World):
    world.options = {"merge_approvals": 0}
    pull = world.open_pull()
    number, head = pull["number"], pull["head"]["sha"]
    before = world.head()

    def push() -> None:
        world.direct("PUT", "/contents/unseen.txt", message="Push", content="eA==", branch="feature")

    # what the policy saw is what GitHub answered a moment ago; the request names it, and GitHub compares
    world.front.fail("PUT", ".*/merge", "meanwhile", action=push)
    said = await world.refused("github_merge_pull", number=number, expected_head_sha=head)
    (sent,) = world.front.asked("PUT", ".*/merge")
    assert sent.body["sha"] == head
    assert "does not make this change" in said
    assert world.head("feature") != head
    assert world.head() == before
    assert world.direct("GET", f"/pulls/{number}", "tok_bot")["merged"] is False


@pytest.mark.anyio
async def test_githubs_own_protection_counts_too(world: World):
    pull = world.open_pull()
    number, head = pull["number"], pull["head"]["sha"]
    world.direct(
        "PUT",
        "/branches/main/protection",
        "tok_bot",
        required_status_checks={"strict": False, "contexts": ["build"]},
        enforce_admins=True,
        required_pull_request_reviews=None,
        restrictions=None,
    )
    world.direct("POST", f"/pulls/{number}/reviews", event="APPROVE", commit_id=head)
    said = await world.refused("github_merge_pull", number=number, expected_head_sha=head)
    assert "1 required check(s) have not succeeded" in said
    world.front.statuses[head] = [{"context": "build", "state": "success"}]
    said = await world.refused("github_merge_pull", number=number, expected_head_sha=head)
    # the emulator knows check runs only, and asks for one itself: our own rules have nothing against it now
    assert "GitHub does not make this change" in said

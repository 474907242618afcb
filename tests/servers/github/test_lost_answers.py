"""Answers lost after the write, cut before it, late, or refused for a while: never two of anything."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.servers.github.proxy import Proxy
from tests.servers.github.world import FAST, World, done, refusal

pytestmark = pytest.mark.anyio

#: What may happen to a request that changes something, as arguments of `Front.fail`.
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("lost", {}),
    ("broken", {"status": 502}),
    ("broken", {"status": 500}),
    ("late", {"delay_s": 0.02}),
    ("cut", {}),
    ("answer", {"status": 503}),
    ("answer", {"status": 429, "headers": {"retry-after": "0"}}),
    ("answer", {"status": 403, "headers": {"retry-after": "0"}, "body": {"message": "secondary rate limit"}}),
]
KINDS = [f"{kind}-{more.get('status', '')}" for kind, more in FAULTS]


@pytest.fixture(params=FAULTS, ids=KINDS)
def fault(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param


async def test_one_pull_request(fault: Any, world: World):
    world.direct("POST", "/git/refs", "tok_bot", ref="refs/heads/feature", sha=world.head())
    world.front.fail("POST", ".*/pulls", fault[0], **fault[1])
    opened = await world.call("github_create_pull", title="One", head="feature")
    there = world.direct("GET", "/pulls?state=all", "tok_bot")
    assert [pull["number"] for pull in there] == [opened["result"]["number"]]


async def test_one_comment(fault: Any, world: World):
    number = world.open_pull()["number"]
    world.front.fail("POST", ".*/comments", fault[0], **fault[1])
    made = await world.call("github_comment_pull", number=number, body="Once.")
    there = world.direct("GET", f"/issues/{number}/comments", "tok_bot")
    assert [comment["id"] for comment in there] == [made["result"]["id"]]


async def test_one_comment_through_the_egress_proxy(fault: Any, world: World, proxy: Proxy):
    """Without TLS it is the proxy that sees the connection break, and answers something of its own."""
    world.options = {"proxy": proxy.url}
    number = world.open_pull()["number"]
    world.front.fail("POST", ".*/comments", fault[0], **fault[1])
    made = await world.call("github_comment_pull", number=number, body="Once.")
    there = world.direct("GET", f"/issues/{number}/comments", "tok_bot")
    assert [comment["id"] for comment in there] == [made["result"]["id"]]


async def test_one_review(fault: Any, world: World):
    pull = world.open_pull()
    world.front.fail("POST", ".*/reviews", fault[0], **fault[1])
    await world.call(
        "github_create_review", number=pull["number"], head_sha=pull["head"]["sha"], body="Once."
    )
    assert len(world.direct("GET", f"/pulls/{pull['number']}/reviews", "tok_bot")) == 1


async def test_one_issue(fault: Any, world: World):
    world.front.fail("POST", ".*/issues", fault[0], **fault[1])
    await world.call("github_create_issue", title="Once")
    assert len(world.direct("GET", "/issues?state=all", "tok_bot")) == 1


async def test_one_merge(fault: Any, world: World):
    world.options = {"merge_approvals": 0, "merge_methods": ["merge"]}
    pull = world.open_pull()
    before = len(world.direct("GET", "/commits?sha=main", "tok_bot"))
    world.front.fail("PUT", ".*/merge", fault[0], **fault[1])
    merged = await world.call(
        "github_merge_pull", number=pull["number"], expected_head_sha=pull["head"]["sha"]
    )
    assert merged["result"] == {**merged["result"], "state": "merged", "sha": world.head()}
    # one merge commit and the commit of the branch
    assert len(world.direct("GET", "/commits?sha=main", "tok_bot")) == before + 2


async def test_one_release(fault: Any, world: World):
    world.front.fail("POST", ".*/releases", fault[0], **fault[1])
    await world.call("github_create_release", tag="v1")
    assert len(world.direct("GET", "/releases", "tok_bot")) == 1


async def test_one_branch_and_its_end(fault: Any, world: World):
    world.front.fail("POST", ".*/git/refs", fault[0], **fault[1])
    world.front.fail("DELETE", ".*/git/refs/.*", fault[0], **fault[1])
    await world.call("github_create_branch", branch="feature")
    assert world.head("feature") == world.head()
    await world.call("github_delete_branch", branch="feature")
    assert [one["name"] for one in world.direct("GET", "/branches", "tok_bot")] == ["main"]


@pytest.mark.parametrize("step", ["POST .*/git/trees", "POST .*/git/commits", "PATCH .*/git/refs/.*"])
async def test_one_commit_on_the_branch(step: str, fault: Any, world: World):
    world.direct("POST", "/git/refs", "tok_bot", ref="refs/heads/feature", sha=world.head())
    before = len(world.direct("GET", "/commits?sha=feature", "tok_bot"))
    method, path = step.split()
    world.front.fail(method, path, fault[0], **fault[1])
    files = [{"path": "a.txt", "content": "a\n"}]
    made = await world.call("github_commit_files", branch="feature", message="Add", files=files)
    assert world.head("feature") == made["result"]["sha"]
    assert len(world.direct("GET", "/commits?sha=feature", "tok_bot")) == before + 1


async def test_calling_again_with_the_same_key_writes_once(world: World):
    number = world.open_pull()["number"]
    first = await world.call("github_comment_pull", number=number, body="Once.", idempotency_key="k1")
    again = await world.call("github_comment_pull", number=number, body="Once.", idempotency_key="k1")
    other = await world.call("github_comment_pull", number=number, body="Once.", idempotency_key="k2")
    assert first["result"]["id"] == again["result"]["id"] != other["result"]["id"]
    assert len(world.direct("GET", f"/issues/{number}/comments", "tok_bot")) == 2


async def test_somebody_elses_comment_with_the_mark_is_not_taken_for_ours(world: World):
    number = world.open_pull()["number"]
    first = await world.call("github_comment_pull", number=number, body="Hello.", idempotency_key="k1")
    (ours,) = world.direct("GET", f"/issues/{number}/comments", "tok_bot")
    world.direct("DELETE", f"/issues/comments/{ours['id']}", "tok_bot")
    world.direct("POST", f"/issues/{number}/comments", body=ours["body"])
    again = await world.call("github_comment_pull", number=number, body="Hello.", idempotency_key="k1")
    assert again["result"]["id"] != first["result"]["id"]
    authors = [one["user"]["login"] for one in world.direct("GET", f"/issues/{number}/comments", "tok_bot")]
    assert authors == ["rev", "bot"]


async def test_a_write_that_stays_lost_is_not_repeated_for_ever_and_says_so(world: World):
    world.front.fail("POST", ".*/issues", "cut", times=99)
    said = await world.refused("github_create_issue", title="Never")
    assert "is not known" in said
    assert len(world.front.asked("POST", ".*/issues")) == FAST.attempts


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {}, "does not accept the token"),
        (403, {}, "may not change"),
        (404, {}, "has no"),
        (422, {}, "does not make this change"),
        (429, {"retry-after": "900"}, "rate limit"),
        (403, {"retry-after": "900"}, "rate limit"),
    ],
)
async def test_a_refusal_is_told_and_sent_once(
    status: int, headers: dict[str, str], words: str, world: World
):
    number = world.open_pull()["number"]
    world.front.fail("POST", ".*/comments", "answer", status=status, headers=headers, times=9)
    said = await world.refused("github_comment_pull", number=number, body="No.")
    assert words in said
    assert "tok_bot" not in said
    assert len(world.front.asked("POST", ".*/comments")) == 1


async def test_a_limit_that_is_too_long_lets_nothing_else_out(world: World):
    world.front.fail("POST", ".*/issues", "answer", status=403, headers={"retry-after": "900"})
    async with world.client() as github:
        await refusal(github, "github_create_issue", **world.place, title="One")
        before = len(world.front.seen)
        said = await refusal(github, "github_create_issue", **world.place, title="Two")
        await refusal(github, "github_list_issues", **world.place)
    assert "rate limit" in said
    assert len(world.front.seen) == before


async def test_writes_keep_their_distance(world: World):
    from dataclasses import replace
    from time import monotonic

    number = world.open_pull()["number"]
    begun = monotonic()
    async with world.client(bounds=replace(FAST, write_spacing_s=0.2)) as github:
        for text in ("one", "two", "three"):
            await done(github, "github_comment_pull", **world.place, number=number, body=text)
    assert monotonic() - begun >= 0.4


Try = Callable[[int], Awaitable[None]]


@pytest.mark.parametrize(
    "tries",
    [
        pytest.param(30, id="few"),
        pytest.param(1000, id="many", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
async def test_no_duplicate_in_many_tries_under_random_faults(tries: int, world: World):
    """Comments, issues, pull requests and releases in turn, each with up to two faults of any kind."""
    chance = random.Random(6)
    number = world.open_pull()["number"]
    main = world.head()
    wanted = {"comments": 0, "issues": 0, "pulls": 1, "releases": 0}
    async with world.client() as github:
        for turn in range(tries):
            kind = chance.choice(list(wanted))
            for _ in range(chance.choice((0, 1, 1, 2))):
                name, more = chance.choice(FAULTS)
                world.front.fail("POST", f".*/{kind}", name, **more)
            match kind:
                case "comments":
                    await done(github, "github_comment_pull", **world.place, number=number, body=f"{turn}")
                case "issues":
                    await done(github, "github_create_issue", **world.place, title=f"Issue {turn}")
                case "pulls":
                    world.direct("POST", "/git/refs", "tok_bot", ref=f"refs/heads/b{turn}", sha=main)
                    await done(github, "github_create_pull", **world.place, title=f"{turn}", head=f"b{turn}")
                case "releases":
                    await done(github, "github_create_release", **world.place, tag=f"v{turn}")
            wanted[kind] += 1
            world.front.faults.clear()
    assert _count(world, f"/issues/{number}/comments") == wanted["comments"]
    assert _count(world, "/pulls", "state=all&") == wanted["pulls"]
    assert _count(world, "/issues", "state=all&") == wanted["issues"]
    assert _count(world, "/releases") == wanted["releases"]


def _count(world: World, path: str, query: str = "") -> int:
    found, page = 0, 1
    while entries := world.direct("GET", f"{path}?{query}per_page=100&page={page}", "tok_bot"):
        found += sum("pull_request" not in entry for entry in entries)
        page += 1
    return found

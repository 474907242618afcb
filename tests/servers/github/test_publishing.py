"""Publishing documents: one branch, one open pull request, only what differs, however often it is called."""

import asyncio
import base64
from typing import Any

import pytest

from tests.servers.github.test_lost_answers import FAULTS, KINDS
from tests.servers.github.world import World, done

pytestmark = pytest.mark.anyio

TOOL = "github_publish_documents"
BRANCH = "docgen/documents"
#: Every request of a first publication, in its order.
STEPS = (
    "POST .*/git/refs",
    "POST .*/git/blobs",
    "POST .*/git/trees",
    "POST .*/git/commits",
    "PATCH .*/git/refs/.*",
    "POST .*/pulls",
)


def documents(**texts: str) -> list[dict[str, str]]:
    """Documents by the stem of their names, and a picture."""
    picture = {"path": "docs/logo.png", "content": base64.b64encode(b"\x89PNG\x00").decode()}
    found = [{"path": f"docs/{stem}.md", "content": text} for stem, text in texts.items()]
    return [*found, {**picture, "encoding": "base64"}]


def text_at(world: World, path: str, ref: str = BRANCH) -> str:
    found = world.direct("GET", f"/contents/{path}?ref={ref}", "tok_bot")
    return base64.b64decode(found["content"]).decode()


def pulls(world: World, state: str = "all") -> list[int]:
    return sorted(one["number"] for one in world.direct("GET", f"/pulls?state={state}", "tok_bot"))


def commits(world: World, ref: str = BRANCH) -> int:
    return len(world.direct("GET", f"/commits?sha={ref}", "tok_bot"))


def merge(world: World, number: int) -> None:
    """Somebody else merges it, all of it in one new commit."""
    world.direct("PUT", f"/pulls/{number}/merge", merge_method="squash")


async def test_the_first_time_opens_a_pull_request_and_the_second_changes_nothing(world: World) -> None:
    before = commits(world, "main")
    first = await world.call(TOOL, documents=documents(a="A\n", b="B\n"), title="Documents", body="Made.")
    number, head = first["result"]["number"], world.head(BRANCH)
    assert (first["status"], first["result"]["sha"], first["result"]["branch"]) == ("done", head, BRANCH)
    pull = world.direct("GET", f"/pulls/{number}")
    assert (pull["title"], pull["body"], pull["base"]["ref"]) == ("Documents", "Made.", "main")
    assert (text_at(world, "docs/a.md"), text_at(world, "docs/b.md")) == ("A\n", "B\n")
    assert commits(world) == before + 1

    world.front.seen.clear()
    wanted = list(reversed(documents(a="A\n", b="B\n")))
    again = await world.call(TOOL, documents=wanted, title="Documents", body="Made.")
    assert (again["status"], again["result"]["number"]) == ("already_done", number)
    assert world.front.writes == []
    assert (pulls(world), world.head(BRANCH)) == ([number], head)


async def test_what_changed_goes_into_one_more_commit_of_the_same_pull_request(world: World) -> None:
    number = (await world.call(TOOL, documents=documents(a="A\n", b="B\n")))["result"]["number"]
    before = commits(world)
    world.front.seen.clear()
    changed = await world.call(TOOL, documents=documents(a="A\n", b="Better\n", c="C\n"))
    assert (changed["status"], changed["result"]["number"]) == ("done", number)
    (tree,) = world.front.asked("POST", ".*/git/trees")
    assert [entry["path"] for entry in tree.body["tree"]] == ["docs/b.md", "docs/c.md"]
    assert (pulls(world), commits(world)) == ([number], before + 1)
    assert world.direct("GET", f"/pulls/{number}")["head"]["sha"] == world.head(BRANCH)
    assert [text_at(world, f"docs/{stem}.md") for stem in "abc"] == ["A\n", "Better\n", "C\n"]


async def test_another_title_alone_changes_the_pull_request_and_no_branch(world: World) -> None:
    number = (await world.call(TOOL, documents=documents(a="A\n")))["result"]["number"]
    head = world.head(BRANCH)
    world.front.seen.clear()
    await world.call(TOOL, documents=documents(a="A\n"), title="Another", body="Why.")
    (sent,) = world.front.writes
    assert (sent.method, sent.body) == ("PATCH", {"title": "Another", "body": "Why."})
    pull = world.direct("GET", f"/pulls/{number}")
    assert (pull["title"], pull["body"], world.head(BRANCH)) == ("Another", "Why.", head)


@pytest.mark.parametrize("branch_is_kept", [True, False])
async def test_after_the_merge_the_next_change_opens_another_pull_request(
    branch_is_kept: bool, world: World
) -> None:
    first = (await world.call(TOOL, documents=documents(a="A\n")))["result"]["number"]
    await world.call(TOOL, documents=documents(a="A\n", b="B\n"))
    merge(world, first)
    if not branch_is_kept:
        world.direct("DELETE", f"/git/refs/heads/{BRANCH}", "tok_bot")
    assert text_at(world, "docs/b.md", "main") == "B\n"
    world.front.seen.clear()
    same = await world.call(TOOL, documents=documents(a="A\n", b="B\n"))
    assert (same["status"], same["result"]["state"]) == ("already_done", "unchanged")
    assert world.front.writes == []

    main = world.head()
    second = (await world.call(TOOL, documents=documents(a="New\n", b="B\n")))["result"]["number"]
    assert pulls(world) == [first, second]
    commit = world.direct("GET", f"/git/commits/{world.head(BRANCH)}")
    assert [parent["sha"] for parent in commit["parents"]] == [main], "nothing that was merged comes again"
    assert (text_at(world, "docs/a.md"), text_at(world, "docs/b.md")) == ("New\n", "B\n")


async def test_after_a_pull_request_was_closed_unmerged_its_documents_get_another(world: World) -> None:
    first = (await world.call(TOOL, documents=documents(a="A\n")))["result"]["number"]
    world.direct("PATCH", f"/pulls/{first}", state="closed")
    head = world.head(BRANCH)
    second = (await world.call(TOOL, documents=documents(a="A\n")))["result"]["number"]
    assert (pulls(world, "open"), world.head(BRANCH)) == ([second], head)


async def test_what_others_commit_to_the_branch_stays(world: World) -> None:
    await world.call(TOOL, documents=documents(a="A\n"))
    theirs = {"message": "By hand", "content": "aGFuZAo=", "branch": BRANCH}
    world.direct("PUT", "/contents/docs/by-hand.md", **theirs)
    await world.call(TOOL, documents=documents(a="Changed\n"))
    assert (text_at(world, "docs/by-hand.md"), text_at(world, "docs/a.md")) == ("hand\n", "Changed\n")


async def test_what_others_commit_in_the_last_moment_is_not_overwritten(world: World) -> None:
    await world.call(TOOL, documents=documents(a="A\n"))

    def push() -> None:
        theirs = {"message": "By hand", "content": "aGFuZAo=", "branch": BRANCH}
        world.direct("PUT", "/contents/docs/by-hand.md", **theirs)

    world.front.fail("PATCH", ".*/git/refs/.*", "meanwhile", action=push)
    await world.refused(TOOL, documents=documents(a="Changed\n"))
    assert (text_at(world, "docs/by-hand.md"), text_at(world, "docs/a.md")) == ("hand\n", "A\n")
    await world.call(TOOL, documents=documents(a="Changed\n"))
    assert (text_at(world, "docs/by-hand.md"), text_at(world, "docs/a.md")) == ("hand\n", "Changed\n")


@pytest.fixture(params=FAULTS, ids=KINDS)
def fault(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param


@pytest.mark.parametrize("step", STEPS)
async def test_an_answer_lost_at_any_step_makes_no_second_of_anything(
    step: str, fault: tuple[str, dict[str, Any]], world: World
) -> None:
    method, path = step.split()
    before = commits(world, "main")
    world.front.fail(method, path, fault[0], **fault[1])
    made = await world.call(TOOL, documents=documents(a="A\n"))
    assert world.front.faults == []
    assert pulls(world) == [made["result"]["number"]]
    assert (commits(world), text_at(world, "docs/a.md")) == (before + 1, "A\n")


@pytest.mark.parametrize("step", STEPS[:-1])
async def test_what_was_broken_off_after_any_step_is_finished_by_calling_again(
    step: str, world: World
) -> None:
    method, path = step.split()
    before = commits(world, "main")

    def away() -> None:
        for name in ("GET", "POST", "PATCH"):
            world.front.fail(name, ".*", "answer", status=503, times=99)

    world.front.fail(method, path, "meanwhile", action=away)
    await world.refused(TOOL, documents=documents(a="A\n"))
    assert pulls(world) == []
    world.front.faults.clear()
    made = await world.call(TOOL, documents=documents(a="A\n"))
    assert pulls(world) == [made["result"]["number"]]
    assert (commits(world), text_at(world, "docs/a.md")) == (before + 1, "A\n")


async def test_two_who_publish_the_same_at_once_make_one_pull_request(world: World) -> None:
    before = commits(world, "main")
    wanted = documents(a="A\n")
    async with world.client() as client:
        calls = [client.call_tool(TOOL, {**world.place, "documents": wanted}) for _ in range(4)]
        results = await asyncio.gather(*calls)
        assert any(not result.is_error for result in results)
        last = await done(client, TOOL, **world.place, documents=wanted)
    assert last["status"] == "already_done"
    assert pulls(world) == [last["result"]["number"]]
    assert (commits(world), text_at(world, "docs/a.md")) == (before + 1, "A\n")

"""A page that is full says nothing of what follows: an ETag is of its body alone, not of its `Link`."""

import pytest

from tests.servers.github.world import World, done

pytestmark = pytest.mark.anyio


async def test_what_was_written_beyond_a_full_page_is_found_again(world: World):
    number = world.open_pull()["number"]
    for _ in range(100):
        world.direct("POST", f"/issues/{number}/comments", body="One of many.")
    async with world.client() as github:
        first, again = [
            await done(
                github, "github_comment_pull", **world.place, number=number, body="x", idempotency_key="k"
            )
            for _ in range(2)
        ]
    assert first["result"]["id"] == again["result"]["id"]


async def test_changes_requested_beyond_a_full_page_of_reviews_stop_a_merge(world: World):
    world.options = {"merge_approvals": 0}
    pull = world.open_pull()
    number, head = pull["number"], pull["head"]["sha"]
    for _ in range(100):
        world.direct("POST", f"/pulls/{number}/reviews", event="COMMENT", body="Hm.")
    arguments = {**world.place, "number": number, "expected_head_sha": head}
    async with world.client() as github:
        assert (await done(github, "github_merge_pull", **arguments, dry_run=True))["status"] == "dry_run"
        world.direct("POST", f"/pulls/{number}/reviews", event="REQUEST_CHANGES", body="No.")
        result = await github.call_tool("github_merge_pull", {**arguments, "dry_run": True})
    assert result.is_error
    assert "requested changes" in result.content[0].text

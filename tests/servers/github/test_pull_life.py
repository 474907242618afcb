"""The whole life of a pull request against a GitHub that others wrote."""

import base64

import pytest

from tests.servers.github.world import World, done

pytestmark = pytest.mark.anyio


async def test_from_branch_to_release(world: World):
    place = world.place
    async with world.client() as github:
        branch = await done(github, "github_create_branch", **place, branch="feature")
        assert branch["status"] == "done"
        binary = base64.b64encode(b"\x00\x01\xff").decode()
        files = [
            {"path": "docs/guide.md", "content": "# Guide\n\nGrüße\n"},
            {"path": "logo.bin", "content": binary, "encoding": "base64"},
            {"path": "run.sh", "content": "#!/bin/sh\n", "executable": True},
        ]
        committed = await done(
            github, "github_commit_files", **place, branch="feature", message="Add", files=files
        )
        head = committed["result"]["sha"]
        assert world.head("feature") == head
        tree = await done(github, "github_get_tree", **place, ref="feature", recursive=True)
        paths = {entry["untrusted"]["path"] for entry in tree["entries"] if entry["type"] == "blob"}
        assert {"docs/guide.md", "logo.bin", "run.sh", "README.md"} <= paths
        read = await done(github, "github_get_file", **place, path="docs/guide.md", ref="feature")
        assert read["untrusted"]["content"] == "# Guide\n\nGrüße\n"
        assert (await done(github, "github_get_file", **place, path="logo.bin", ref="feature"))["binary"]
        compared = await done(github, "github_compare", **place, base="main", head="feature")
        assert (compared["status"], compared["ahead_by"]) == ("ahead", 1)

        opened = await done(
            github,
            "github_create_pull",
            **place,
            title="A guide",
            head="feature",
            body="Because.",
            draft=False,
        )
        number = opened["result"]["number"]
        again = await done(github, "github_create_pull", **place, title="A guide", head="feature")
        assert (again["status"], again["result"]["number"]) == ("already_done", number)
        asked = await done(github, "github_request_reviewers", **place, number=number, reviewers=["rev"])
        assert asked["status"] == "done"
        updated = await done(github, "github_update_pull", **place, number=number, title="A better guide")
        assert updated["status"] == "done"
        details = await done(github, "github_get_pull", **place, number=number)
        assert (details["untrusted"]["title"], details["requested_reviewers"]) == ("A better guide", ["rev"])

        await done(github, "github_comment_pull", **place, number=number, body="Please look.")
        talk = await done(github, "github_list_pull_comments", **place, number=number)
        assert talk["comments"][0]["untrusted"]["body"].startswith("Please look.")
        lines = [{"path": "docs/guide.md", "line": 1, "body": "Good title."}]
        review = await done(
            github,
            "github_create_review",
            **place,
            number=number,
            head_sha=head,
            body="Read all of it.",
            comments=lines,
        )
        assert review["result"]["state"] == "commented"
        on_lines = await done(github, "github_list_pull_comments", **place, number=number, on_lines=True)
        assert on_lines["comments"][0]["untrusted"]["path"] == "docs/guide.md"

        run = world.direct(
            "POST", "/check-runs", "tok_bot", name="tests", head_sha=head, status="in_progress"
        )
        world.direct("POST", f"/pulls/{number}/reviews", event="APPROVE", commit_id=head, body="Yes.")
        checks = await done(github, "github_list_checks", **place, sha=head)
        assert checks["state"] == "pending"
        early = await github.call_tool(
            "github_merge_pull", {**place, "number": number, "expected_head_sha": head}
        )
        assert "1 check(s) are not finished" in early.content[0].text
        world.direct("PATCH", f"/check-runs/{run['id']}", "tok_bot", status="completed", conclusion="success")
        waited = await done(github, "github_wait_for_checks", **place, sha=head)
        assert (waited["state"], waited["timed_out"]) == ("success", False)

        merged = await done(github, "github_merge_pull", **place, number=number, expected_head_sha=head)
        assert merged["result"]["state"] == "merged"
        assert world.head("main") == merged["result"]["sha"]
        twice = await done(github, "github_merge_pull", **place, number=number, expected_head_sha=head)
        assert twice["status"] == "already_done"

        await done(github, "github_delete_branch", **place, branch="feature")
        gone = await done(github, "github_delete_branch", **place, branch="feature")
        assert gone["status"] == "already_done"
        release = await done(github, "github_create_release", **place, tag="v1.0.0")
        assert release["result"]["state"] == "published"
        releases = await done(github, "github_list_releases", **place)
        assert [one["untrusted"]["tag"] for one in releases["releases"]] == ["v1.0.0"]
        assert releases["releases"][0]["untrusted"]["notes"]


async def test_from_issue_to_its_end(world: World):
    place = world.place
    async with world.client() as github:
        opened = await done(github, "github_create_issue", **place, title="It breaks", body="Here.")
        number = opened["result"]["number"]
        world.direct("POST", "/labels", "tok_bot", name="bug", color="ff0000")
        await done(github, "github_label", **place, number=number, add=["bug"])
        await done(github, "github_comment_issue", **place, number=number, body="Seen.")
        await done(github, "github_update_issue", **place, number=number, title="It broke")
        issue = await done(github, "github_get_issue", **place, number=number)
        assert (issue["untrusted"]["title"], issue["untrusted"]["labels"]) == ("It broke", ["bug"])
        listed = await done(github, "github_list_issues", **place, label="bug")
        assert [one["number"] for one in listed["issues"]] == [number]
        talk = await done(github, "github_list_issue_comments", **place, number=number)
        assert talk["comments"][0]["author"] == "bot"
        await done(github, "github_label", **place, number=number, remove=["bug"])
        closed = await done(github, "github_close_issue", **place, number=number, reason="not_planned")
        assert closed["result"]["state"] == "closed"
        again = await done(github, "github_close_issue", **place, number=number)
        assert again["status"] == "already_done"
        assert (await done(github, "github_list_issues", **place))["issues"] == []


async def test_a_pending_review_is_submitted_and_another_dismissed(world: World):
    pull = world.open_pull()
    number, head = pull["number"], pull["head"]["sha"]
    theirs = world.direct(
        "POST", f"/pulls/{number}/reviews", event="REQUEST_CHANGES", commit_id=head, body="No"
    )
    pending = await world.call(
        "github_create_review", number=number, head_sha=head, event="pending", body="Later."
    )
    review_id = pending["result"]["id"]
    sent = await world.call(
        "github_submit_review", number=number, review_id=review_id, event="comment", body="Now."
    )
    assert sent["result"]["state"] == "commented"
    dismissed = await world.call(
        "github_dismiss_review", number=number, review_id=theirs["id"], message="Settled in talk."
    )
    assert dismissed["result"]["state"] == "dismissed"
    reviews = await world.call("github_list_reviews", number=number)
    assert {one["state"] for one in reviews["reviews"]} == {"commented", "dismissed"}


async def test_files_are_deleted_in_one_commit_and_a_pull_request_is_closed_and_reopened(world: World):
    pull = world.open_pull()
    await world.call("github_delete_files", branch="feature", message="Away", paths=["feature.txt"])
    assert "has no" in await world.refused("github_get_file", path="feature.txt", ref="feature")
    closed = await world.call("github_close_pull", number=pull["number"])
    assert closed["result"]["state"] == "closed"
    opened = await world.call("github_close_pull", number=pull["number"], reopen=True)
    assert opened["result"]["state"] == "open"
    found = await world.call("github_list_pulls")
    assert [one["number"] for one in found["pulls"]] == [pull["number"]]


async def test_what_may_be_read_is_found_and_nothing_else(world: World):
    async with world.client() as github:
        found = await done(github, "github_search_repositories", words=world.name)
        assert [one["full_name"] for one in found["repositories"]] == [f"bot/{world.name}"]
        assert (await done(github, "github_search_repositories", words="other"))["repositories"] == []
    query = world.front.asked("GET", "/search/repositories")[0].query["q"]
    assert query == f"{world.name} repo:bot/{world.name}"

"""What `github_diagnose` says of tokens of every kind, of GitHubs in every state."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from docgen_common.settings import ServerSettings
from docgen_github import diagnosis
from docgen_github.client import Bounds, GitHubClient
from docgen_github.keypaths import KeyPaths
from docgen_github.server import build_server
from mcp import Client

from tests.servers.github.conftest import QUICK, MakeSettings
from tests.servers.github.proxy import Proxy
from tests.servers.github.stand_in import Reply, StandIn, repository
from tests.servers.github.tool_names import ALL_TOOLSETS, WRITING
from tests.servers.github.world import FAST, World, done

pytestmark = pytest.mark.anyio

WRITES: dict[str, Any] = {"read_only": False, "write_repositories": ["octo/demo"], "toolsets": ALL_TOOLSETS}
FINE = "github_pat_11CANARY0" + "x" * 40


async def diagnosed(settings: ServerSettings, *, bounds: Bounds = QUICK) -> dict[str, Any]:
    """The structured answer; nothing in it may be the token."""
    server = build_server(settings, bounds=bounds)
    async with server.client, Client(server.mcp) as client:
        told = await done(client, "github_diagnose")
    secret = settings.secrets_dir / "github-token"
    if secret.exists():
        assert secret.read_text().strip() not in json.dumps(told)
    return told


def rate(remaining: int = 4990, **headers: str) -> Reply:
    """The rate limit as GitHub tells it: by resource, in the body."""
    core = {"limit": 5000, "remaining": remaining, "reset": int(time.time()) + 1800}
    search = {"limit": 30, "remaining": 30, "reset": int(time.time()) + 60}
    return Reply({"resources": {"core": core, "search": search}}, headers=headers)


def healthy(github: StandIn, name: str = "octo/demo", *, private: bool = False, push: bool = True) -> None:
    """GitHub answers for one repository."""
    github.on("/rate_limit", rate())
    github.on("/user", Reply({"login": "octo"}))
    github.on(f"/repos/{name}", Reply(repository(name, private=private, permissions={"push": push})))


# --- against the emulator


async def test_a_good_token_lacks_nothing(world: World):
    async with world.client() as github:
        told = await done(github, "github_diagnose")
    assert (told["reached"], told["accepted"], told["problem"]) == (True, True, None)
    assert (told["login"], told["scopes"]) == ("bot", ["repo", "user"])
    assert told["rate"]["remaining"] > 0
    assert told["missing"] == told["notes"] == told["not_asked"] == []
    (access,) = told["repositories"]
    assert access == {
        "full_name": f"bot/{world.name}",
        "reachable": True,
        "private": True,
        "push": True,
        "problem": None,
    }
    assert (told["read_only"], told["writable"]) == (False, [f"bot/{world.name}"])
    assert [one.path for one in world.front.seen] == ["/rate_limit", "/user", f"/repos/bot/{world.name}"]


async def test_a_missing_scope_names_the_tools_that_it_disables(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(world.front, "scopes", "user, gist")
    async with world.client() as github:
        told = await done(github, "github_diagnose")
    (missing,) = told["missing"]
    assert missing["right"] == "scope repo"
    assert set(missing["disables"]) == WRITING
    assert missing["what"] == "nothing can be changed"


async def test_changing_workflows_takes_a_scope_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(world.front, "scopes", "repo")
    world.options = {"workflow_files": True}
    async with world.client() as github:
        (missing,) = (await done(github, "github_diagnose"))["missing"]
    assert missing["right"] == "scope workflow"
    assert "github_commit_files" in missing["disables"]
    assert "github_merge_pull" not in missing["disables"]
    monkeypatch.setattr(world.front, "scopes", "repo, workflow")
    async with world.client() as github:
        assert (await done(github, "github_diagnose"))["missing"] == []


async def test_a_token_that_github_refuses_is_told_and_nothing_more_asked(world: World):
    world.options = {"token": "ghp_expired"}
    async with world.client() as github:
        told = await done(github, "github_diagnose")
    assert (told["kind"], told["reached"], told["accepted"]) == ("classic", True, False)
    assert "(401)" in told["problem"]
    assert (told["missing"], told["repositories"]) == ([], [])
    assert [one.path for one in world.front.seen] == ["/rate_limit"]


async def test_a_repository_that_is_not_there_hides_no_other(world: World):
    world.options = {"repositories": ["bot/nowhere", f"bot/{world.name}", "bot/*"]}
    async with world.client() as github:
        told = await done(github, "github_diagnose")
    assert [(one["full_name"], one["reachable"]) for one in told["repositories"]] == [
        ("bot/nowhere", False),
        (f"bot/{world.name}", True),
    ]
    assert told["not_asked"] == ["bot/*"]


# --- against the stand-in: what the emulator does not do


async def test_the_end_of_a_token_is_told_in_days(github: StandIn, make_settings: MakeSettings):
    healthy(github)
    ends = datetime.now(UTC) + timedelta(days=3, hours=2)
    headers = {
        "x-oauth-scopes": "repo",
        "github-authentication-token-expiration": f"{ends:%Y-%m-%d %H:%M:%S} UTC",
    }
    github.on("/rate_limit", rate(**headers))
    told = await diagnosed(make_settings())
    assert told["expires_in_days"] == 3
    assert told["expires"].startswith(f"{ends:%Y-%m-%dT%H:%M:%S}")


async def test_without_a_token_nothing_can_be_changed_and_that_is_told(
    github: StandIn, make_settings: MakeSettings
):
    healthy(github)
    reading = await diagnosed(make_settings(token=None))
    assert (reading["kind"], reading["accepted"], reading["login"]) == ("none", True, None)
    assert reading["missing"] == []
    assert "60 requests an hour" in reading["notes"][0]
    assert github.asked("/user") == 0
    (missing,) = (await diagnosed(make_settings(token=None, **WRITES)))["missing"]
    assert (missing["right"], set(missing["disables"])) == ("a token", WRITING)


@pytest.mark.parametrize("left", [0, 1, 7])
async def test_a_diagnosis_never_takes_more_than_half_of_what_is_left(
    left: int, github: StandIn, make_settings: MakeSettings
):
    names = [f"octo/r{number}" for number in range(30)]
    for name in names:
        healthy(github, name)
    github.on("/rate_limit", rate(left))
    told = await diagnosed(make_settings(names))
    assert (told["accepted"], told["problem"], told["rate"]["remaining"]) == (True, None, left)
    asked = sum(one.path.startswith("/repos/") for one in github.seen)
    assert asked == left // 2 == len(told["repositories"])
    assert len(told["not_asked"]) == 30 - asked
    if not left:
        assert [one.path for one in github.seen] == ["/rate_limit"]


async def test_no_more_than_twenty_repositories_are_asked_for(github: StandIn, make_settings: MakeSettings):
    names = [f"octo/r{number}" for number in range(30)]
    for name in names:
        healthy(github, name)
    told = await diagnosed(make_settings(names))
    assert (len(told["repositories"]), len(told["not_asked"])) == (20, 10)


async def test_a_limit_that_was_reached_is_told_without_asking_again(
    github: StandIn, make_settings: MakeSettings
):
    limited = Reply({"message": "secondary rate limit"}, 403, {"retry-after": "600"})
    github.on("/rate_limit", limited)
    server = build_server(make_settings(), bounds=QUICK)
    async with server.client, Client(server.mcp) as client:
        first = await done(client, "github_diagnose")
        again = await done(client, "github_diagnose")
    assert (first["reached"], first["accepted"]) == (True, None)
    assert "rate limit is reached" in first["problem"]
    assert (again["reached"], again["accepted"]) == (None, None)
    assert "nothing is sent until" in again["problem"]
    assert github.asked("/rate_limit") == 1


async def test_a_limit_on_the_way_leaves_the_rest_unasked(github: StandIn, make_settings: MakeSettings):
    healthy(github)
    github.on("/repos/octo/two", Reply({"message": "rate limit"}, 429, {"retry-after": "600"}))
    told = await diagnosed(make_settings(["octo/demo", "octo/two", "octo/three"]))
    assert [one["full_name"] for one in told["repositories"]] == ["octo/demo"]
    assert told["not_asked"] == ["octo/three", "octo/two"]


async def test_a_github_that_nobody_answers_for_is_unreached(
    github: StandIn, make_settings: MakeSettings, unused_port: Any
):
    told = await diagnosed(make_settings(api_url=f"http://127.0.0.1:{unused_port()}"))
    assert (told["reached"], told["accepted"]) == (False, None)
    assert "nothing listens there" in told["problem"]


async def test_a_github_that_is_silent_is_told_in_time(
    github: StandIn, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(diagnosis, "FIRST_S", 0.1)
    github.on("/rate_limit", Reply({}, delay_s=1))
    told = await diagnosed(make_settings(), bounds=FAST)
    assert (told["reached"], told["accepted"]) == (False, None)
    assert "did not answer within 0.1 s" in told["problem"]


async def test_repositories_that_come_too_late_are_unasked_and_the_others_told(
    github: StandIn, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(diagnosis, "REST_S", 0.5)
    healthy(github)
    github.on("/repos/octo/slow", Reply({}, delay_s=3))
    told = await diagnosed(make_settings(["octo/demo", "octo/slow"]), bounds=FAST)
    assert [one["full_name"] for one in told["repositories"]] == ["octo/demo"]
    assert told["not_asked"] == ["octo/slow"]


async def test_a_closed_egress_is_told_with_its_key(
    github: StandIn, proxy: Proxy, make_settings: MakeSettings
):
    proxy.refuses = True
    told = await diagnosed(make_settings(proxy=proxy.url))
    assert (told["reached"], told["egress_proxy"]) == (False, True)
    assert "servers/github/egress/allow" in told["problem"]


async def test_an_api_in_trouble_was_reached(github: StandIn, make_settings: MakeSettings):
    github.on("/rate_limit", Reply({}, 503))
    told = await diagnosed(make_settings())
    assert (told["reached"], told["accepted"]) == (True, None)
    assert "503" in told["problem"]


async def test_an_enterprise_api_without_rate_limits_below_a_path(
    github: StandIn, make_settings: MakeSettings
):
    github.on("/api/v3/user", Reply({"login": "octo"}, headers={"x-oauth-scopes": "repo"}))
    github.on("/api/v3/repos/octo/demo", Reply(repository(permissions={"push": True})))
    told = await diagnosed(make_settings(api_url=f"{github.url}/api/v3", **WRITES))
    assert (told["accepted"], told["rate"], told["login"]) == (True, None, "octo")
    assert told["scopes"] == ["repo"]
    assert told["repositories"][0]["reachable"]
    assert told["missing"] == []


async def test_an_enterprise_api_without_rate_limits_refuses_a_token_as_late_as_for_its_user(
    github: StandIn, make_settings: MakeSettings
):
    github.on("/user", Reply({}, 401))
    told = await diagnosed(make_settings())
    assert (told["accepted"], told["repositories"]) == (False, [])
    assert "(401)" in told["problem"]


async def test_wrong_options_are_told_and_nothing_is_asked(github: StandIn, make_settings: MakeSettings):
    told = await diagnosed(make_settings(["not a name"]))
    assert (told["reached"], told["accepted"]) == (None, None)
    assert "servers/github/options/repositories/0" in told["problem"]
    assert github.seen == []


async def test_a_token_that_cannot_be_sent_is_refused_unsent(github: StandIn, make_settings: MakeSettings):
    told = await diagnosed(make_settings(token="two words"))
    assert (told["reached"], told["accepted"]) == (None, False)
    assert github.seen == []


async def test_permissions_of_a_fine_grained_token_are_tried_in_private_repositories(
    github: StandIn, make_settings: MakeSettings
):
    healthy(github, private=True)
    refused = Reply({"message": "Resource not accessible by personal access token"}, 403)
    github.on("/repos/octo/demo/branches", Reply([]))
    github.on("/repos/octo/demo/pulls", Reply([]))
    github.on("/repos/octo/demo/issues", refused)
    github.on("/repos/octo/demo/commits/main/check-runs", refused)
    github.on("/repos/octo/demo/commits/main/status", Reply({"statuses": []}))
    told = await diagnosed(make_settings(token=FINE, **WRITES))
    assert told["kind"] == "fine-grained"
    missing = {one["right"]: one for one in told["missing"]}
    assert set(missing) == {"permission Issues: read", "permission Checks: read"}
    assert missing["permission Issues: read"]["repository"] == "octo/demo"
    assert "github_close_issue" in missing["permission Issues: read"]["disables"]
    assert "github_list_issues" in missing["permission Issues: read"]["disables"]
    assert missing["permission Checks: read"]["disables"] == [
        "github_list_checks",
        "github_merge_pull",
        "github_wait_for_checks",
    ]
    assert "the first change shows it" in told["notes"][0]


async def test_permissions_are_tried_only_for_tools_that_are_there_and_not_where_anybody_reads(
    github: StandIn, make_settings: MakeSettings
):
    healthy(github, private=True)
    await diagnosed(make_settings(token=FINE, toolsets=["issues"]))
    tried = [one.path for one in github.seen if one.path.count("/") > 3]
    assert tried == ["/repos/octo/demo/issues"]
    github.seen.clear()
    healthy(github, private=False)
    await diagnosed(make_settings(token=FINE))
    assert [one.path for one in github.seen] == ["/rate_limit", "/user", "/repos/octo/demo"]


async def test_issues_that_are_switched_off_are_no_missing_permission(
    github: StandIn, make_settings: MakeSettings
):
    healthy(github, private=True)
    github.on("/repos/octo/demo/issues", Reply({"message": "Issues are disabled"}, 410))
    assert (await diagnosed(make_settings(token=FINE, toolsets=["issues"])))["missing"] == []


async def test_an_account_that_may_not_write_is_told_where_writing_is_switched_on(
    github: StandIn, make_settings: MakeSettings
):
    healthy(github, push=False)
    assert (await diagnosed(make_settings()))["missing"] == []
    (missing,) = (await diagnosed(make_settings(**WRITES)))["missing"]
    assert (missing["right"], missing["repository"]) == ("write access", "octo/demo")


async def test_a_token_that_was_replaced_does_not_inherit_what_was_seen_of_the_old_one(
    github: StandIn,
):
    github.on("/thing", Reply({}, headers={"x-oauth-scopes": "repo"}), Reply({}))
    tokens = ["ghp_old"]
    paths = KeyPaths("github")
    async with GitHubClient(github.url, paths=paths, token=lambda: tokens[-1], bounds=QUICK) as client:
        await client.get(("thing",), what="x")
        assert client.token_seen is not None
        tokens.append("github_pat_new")
        assert client.token_seen is None
        await client.get(("thing",), what="x")
        assert client.token_seen is None

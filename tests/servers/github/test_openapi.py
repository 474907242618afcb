"""Every request that the server sends is one that GitHub's own description of its API describes."""

import json
import os
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from docgen_github.server import build_server
from mcp import Client

from tests.servers.github.conftest import MakeSettings
from tests.servers.github.emulator_process import InstallError, installed_emulator
from tests.servers.github.front import Asked
from tests.servers.github.openapi_description import Description, description
from tests.servers.github.permissions import complaints_of_rights
from tests.servers.github.stand_in import Reply, StandIn, repository
from tests.servers.github.test_guard_rails import DRY, _filled
from tests.servers.github.tool_names import READING, WRITING
from tests.servers.github.world import FAST, World, done

pytestmark = pytest.mark.anyio

READS: dict[str, dict[str, Any]] = {
    "github_compare": {"base": "main", "head": "feature"},
    "github_get_file": {"path": "README.md", "ref": "feature"},
    "github_get_issue": {"number": "ISSUE"},
    "github_get_pull": {"number": 1},
    "github_get_pull_diff": {"number": 1},
    "github_get_pull_files": {"number": 1},
    "github_get_repository": {},
    "github_get_tree": {"recursive": True},
    "github_list_branches": {},
    "github_list_checks": {"sha": "HEAD"},
    "github_list_issue_comments": {"number": "ISSUE"},
    "github_list_issues": {"label": "bug"},
    "github_list_pull_comments": {"number": 1, "on_lines": True},
    "github_list_pulls": {"base": "main"},
    "github_list_releases": {},
    "github_list_reviews": {"number": 1},
    "github_wait_for_checks": {"sha": "HEAD", "at_least": 0},
}
ELSEWHERE = {
    "github_list_repositories": {},
    "github_search_repositories": {"words": "x"},
    "github_diagnose": {},
}


@pytest.fixture(scope="module")
def api() -> Description:
    try:
        return Description(description(installed_emulator()))
    except InstallError as error:
        if os.environ.get("CI"):
            pytest.fail(f"GitHub's description could not be fetched: {error}")
        pytest.skip("GitHub's description could not be fetched; is there a network?")


def test_every_tool_is_here():
    assert READING - {"github_status"} == {*READS, *ELSEWHERE}
    assert set(DRY) == WRITING


async def test_every_request_of_every_tool_is_described_and_granted_by_the_tools_rights(
    api: Description, world: World
):
    world.options = {"merge_approvals": 0, "repositories": ["bot/*"]}
    told: list[str] = []
    seen: set[str] = set()
    granted: list[str] = []
    for tool, arguments in {**READS, **ELSEWHERE, **DRY}.items():
        if tool in READS or tool in ELSEWHERE or tool == min(DRY):
            world.front.seen.clear()
        await _fresh_call(world, tool, arguments)
        told += [f"{tool}: {one}" for asked in world.front.seen for one in api.complaints(asked)]
        operations = {api.operation_id(asked) for asked in world.front.seen}
        granted += complaints_of_rights(tool, operations)
        seen |= operations
    assert told == []
    assert granted == []
    assert {"pulls/merge", "git/create-tree", "repos/create-release", "pulls/dismiss-review"} <= seen
    assert len(seen) >= 40, sorted(seen)


async def test_every_request_of_a_diagnosis_is_described(
    api: Description, github: StandIn, make_settings: MakeSettings
):
    """With a token that names no scopes, for which permissions are tried one by one."""
    github.on("/rate_limit", Reply({}))
    github.on("/user", Reply({"login": "octo"}))
    github.on("/repos/octo/demo", Reply(repository(private=True)))
    server = build_server(make_settings(token="github_pat_x"), bounds=FAST)
    async with server.client, Client(server.mcp) as client:
        await done(client, "github_diagnose")
    asked = [Asked("GET", f"{one.raw_path}?{urlencode(one.query)}", {}, None) for one in github.seen]
    assert [one for each in asked for one in api.complaints(each)] == []
    tried = {"checks/list-for-ref", "repos/get-combined-status-for-ref", "repos/list-branches"}
    assert {api.operation_id(one) for one in asked} == tried | {
        "issues/list-for-repo",
        "pulls/list",
        "rate-limit/get",
        "repos/get",
        "users/get-authenticated",
    }


async def _fresh_call(world: World, tool: str, arguments: dict[str, Any]) -> None:
    """The call in a repository of its own, so that no tool finds what another left behind."""
    world.name = f"{world.name[:6]}-{tool.removeprefix('github_').replace('_', '-')}"
    with httpx2.Client(base_url=world.emulator, trust_env=False) as http:
        body = json.dumps({"name": world.name, "private": True, "auto_init": True})
        http.post("/user/repos", headers={"authorization": "Bearer tok_bot"}, content=body).raise_for_status()
    world.direct("PUT", "/collaborators/rev", "tok_bot", permission="push")
    filled = _filled(world, arguments)
    world.front.seen.clear()
    place = {} if tool in ELSEWHERE else world.place
    async with world.client() as github:
        await done(github, tool, **place, **filled)


@pytest.mark.parametrize(
    ("method", "target", "body", "words"),
    [
        ("POST", "/repos/o/r/pulls", {"title": "x", "head": "y"}, "'base' is a required property"),
        (
            "POST",
            "/repos/o/r/pulls",
            {"title": "x", "head": "y", "base": "z", "colour": 1},
            "no field colour",
        ),
        ("PUT", "/repos/o/r/pulls/1/merge", {"merge_method": "force"}, "is not one of"),
        ("GET", "/repos/o/r/pulls?state=ajar", None, "is not one of"),
        ("GET", "/repos/o/r/pulls?colour=red", None, "no query parameter colour"),
        ("GET", "/search/repositories", None, "q is required"),
        ("POST", "/repos/o/r/pulls/1/merge", {}, "no such operation"),
    ],
)
def test_the_judge_sees_what_is_wrong(method: str, target: str, body: Any, words: str, api: Description):
    complaints = api.complaints(Asked(method, target, {}, body))
    assert any(words in one for one in complaints), complaints

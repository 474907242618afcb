"""Against a GitHub that others wrote, so that our idea of its API is not only our own."""

import base64
import json
from typing import Any

import httpx2
import pytest
from docgen_github.server import build_server
from mcp import Client

from tests.servers.github.conftest import MakeSettings
from tests.servers.github.emulated import fresh_repository

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": "Bearer tok_bot"}


@pytest.fixture(scope="module")
def filled(emulator: str) -> str:
    _open_pull_requests(emulator)
    return emulator


@pytest.fixture
def call(filled: str, make_settings: MakeSettings):
    async def ask(tool: str, *, repositories: tuple[str, ...] = ("bot/demo",), **arguments: Any) -> Any:
        server = build_server(make_settings(repositories, token="tok_bot", api_url=filled))
        async with server.client, Client(server.mcp) as client:
            return await client.call_tool(tool, arguments)

    return ask


async def test_a_private_repository_is_read_with_the_token(call):
    result = (await call("github_get_repository", owner="bot", repo="demo")).structured_content
    assert (result["full_name"], result["private"], result["untrusted"]["default_branch"]) == (
        "bot/demo",
        True,
        "main",
    )


async def test_owner_star_is_resolved(call):
    result = await call("github_list_repositories", repositories=("bot/*",))
    names = [one["full_name"] for one in result.structured_content["repositories"]]
    assert {"bot/demo", "bot/other"} <= set(names)
    assert result.structured_content["incomplete"] == []


async def test_pull_requests_are_listed_page_by_page(call):
    numbers, page = [], 1
    while page is not None:
        result = await call("github_list_pulls", owner="bot", repo="demo", page=page, per_page=2)
        numbers += [one["number"] for one in result.structured_content["pulls"]]
        page = result.structured_content["next_page"]
    assert sorted(numbers) == [1, 2, 3]


async def test_a_pull_request_is_read_with_its_head(call):
    result = (await call("github_get_pull", owner="bot", repo="demo", number=1)).structured_content
    assert result["untrusted"]["title"] == "Change 1"
    assert result["untrusted"]["head_branch"] == "feature-1"
    assert len(result["head_sha"]) == 40
    assert result["author"] == "bot"


async def test_files_of_a_pull_request_are_answered_in_our_shape(call):
    result = await call("github_get_pull_files", owner="bot", repo="demo", number=1)
    assert not result.is_error
    assert result.structured_content["next_page"] is None


async def test_what_is_absent_or_not_allowed_is_told_apart(call):
    absent = await call("github_get_pull", owner="bot", repo="demo", number=999)
    assert "has no pull request bot/demo#999" in absent.content[0].text
    foreign = await call("github_get_repository", owner="bot", repo="other")
    assert "not in the list of allowed repositories" in foreign.content[0].text


def test_the_head_of_a_pull_request_is_that_of_its_branch(emulator: str):
    repository = fresh_repository(emulator)
    number = repository.open_pull()["number"]
    moves = [
        lambda: repository.direct("PUT", "/contents/b.txt", message="x", content="Yg==", branch="feature"),
        lambda: repository.direct("PATCH", "/git/refs/heads/feature", sha=repository.head(), force=True),
    ]
    for move in moves:
        before = repository.head("feature")
        move()
        head = repository.direct("GET", f"/pulls/{number}")["head"]["sha"]
        assert before != head == repository.head("feature")


def _open_pull_requests(url: str) -> None:
    with httpx2.Client(base_url=url, headers=HEADERS, trust_env=False) as github:
        sha = github.get("/repos/bot/demo/git/ref/heads/main").json()["object"]["sha"]
        for number in (1, 2, 3):
            branch = f"feature-{number}"
            _post(github, "/repos/bot/demo/git/refs", ref=f"refs/heads/{branch}", sha=sha)
            content = base64.b64encode(b"hello\n").decode()
            change = {"message": "Add a file", "content": content, "branch": branch}
            github.put(f"/repos/bot/demo/contents/new-{number}.txt", json=change).raise_for_status()
            title = f"Change {number}"
            _post(github, "/repos/bot/demo/pulls", title=title, head=branch, base="main", body="Because.")


def _post(github: httpx2.Client, path: str, **body: Any) -> None:
    github.post(path, content=json.dumps(body)).raise_for_status()

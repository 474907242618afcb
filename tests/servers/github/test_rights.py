"""The table of what tools need of a token is of the very tools that there are."""

import pytest
from docgen_github.rights import TOOLS, Permission, in_need_of, offered
from docgen_github.server import build_server
from mcp import Client

from tests.servers.github.conftest import MakeSettings
from tests.servers.github.permissions import complaints_of_rights
from tests.servers.github.tool_names import ALL_TOOLSETS, READING, WRITING

ALWAYS = {"github_status", "github_diagnose"}


def test_every_tool_is_in_the_table_and_no_other():
    assert set(TOOLS) == (READING | WRITING) - ALWAYS
    assert {name for name, rights in TOOLS.items() if rights.writes} == WRITING


@pytest.mark.anyio
@pytest.mark.parametrize("toolset", ALL_TOOLSETS)
@pytest.mark.parametrize("writes", [False, True])
async def test_a_toolset_offers_what_the_table_says(toolset: str, writes: bool, make_settings: MakeSettings):
    options = {"read_only": False, "write_repositories": ["octo/demo"]} if writes else {}
    server = build_server(make_settings(toolsets=[toolset], **options))
    async with server.client, Client(server.mcp) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert names - ALWAYS == set(offered([toolset], writes=writes))


def test_who_may_not_read_may_not_write():
    assert "github_commit_files" in in_need_of(TOOLS, Permission("Contents"))
    assert "github_get_file" not in in_need_of(TOOLS, Permission("Contents", write=True))


def test_the_judge_of_rights_sees_what_is_missing_and_what_is_too_much():
    assert complaints_of_rights("github_get_file", {"repos/get-content", "repos/get"}) == []
    assert "do not cover" in complaints_of_rights("github_get_file", {"repos/get-content", "issues/get"})[0]
    assert "does not know" in complaints_of_rights("github_get_repository", {"teapots/get"})[0]
    (told,) = complaints_of_rights("github_merge_pull", {"pulls/merge", "pulls/list", "checks/list-for-ref"})
    assert "asks for Commit statuses: read" in told

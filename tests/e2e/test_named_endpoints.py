"""`/mcp/<server>` and named parts such as `/mcp/review`: a real gateway and the official client."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from mcp.client.subscriptions import ResourcesListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Door, Stack, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.anyio]

REVIEW = {"servers": ["main"], "tools": ["files_read", "files_list"], "resources": ["docs://*"]}
SETTINGS = {
    "servers": {
        "github": {"enabled": False},
        "second": {
            "image": "main",
            "tools": {"rename": {"files_read": "second_read"}, "allow": ["files_read"]},
        },
    },
    "endpoints": {"review": REVIEW, "readers": {"tools": ["*_read"]}},
}


async def tools(door: Door, mode: str = "auto") -> set[str]:
    async with door.client(mode) as client:
        return {tool.name for tool in (await client.list_tools()).tools}


async def read(door: Door, tool: str, mode: str = "auto") -> Any:
    async with door.client(mode) as client:
        return await client.call_tool(tool, {"path": "README.md"})


async def refused(door: Door, tool: str, mode: str = "auto") -> str:
    async with door.client(mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool(tool, {"path": "README.md"})
        return caught.value.message


async def shows_and_calls_what_it_names(door: Door, mode: str) -> None:
    """Each endpoint offers its part, and a call of anything else is one of a tool that is not there."""
    everything = await tools(door, mode)
    assert {"files_read", "files_write", "docs_generate", "second_read"} <= everything
    main, second = (
        await tools(door.at(path="/mcp/main"), mode),
        await tools(door.at(path="/mcp/second"), mode),
    )
    assert (main | second, second) == (everything, {"second_read"})
    review, readers = door.at(path="/mcp/review"), door.at(path="/mcp/readers")
    assert await tools(review, mode) == {"files_read", "files_list"}
    assert await tools(readers, mode) == {"files_read", "second_read"}

    for place, name in ((review, "files_read"), (readers, "second_read"), (door, "second_read")):
        result = await read(place, name, mode)
        assert not result.is_error, name
        assert "harbour" in json.dumps(result.structured_content).lower()
    for place, name in ((review, "second_read"), (readers, "files_list"), (review, "docs_kinds")):
        assert await refused(place, name, mode) == f"Unknown tool: {name}"

    async with review.client(mode) as client:
        assert {str(it.uri).partition(":")[0] for it in (await client.list_resources()).resources} <= {"docs"}
        assert (await client.list_prompts()).prompts == []


async def test_each_endpoint_shows_its_part_and_is_changed_while_it_is_used(workspace: MakeStack) -> None:
    stack = workspace(word="endpoints", settings=SETTINGS)
    await asyncio.to_thread(stack.up)
    door = Door.of(await asyncio.to_thread(stack.endpoint))
    for mode in ("auto", "legacy"):
        await shows_and_calls_what_it_names(door, mode)
    await refuses_what_is_no_endpoint(door)
    await holds_a_key_to_its_scopes_everywhere(stack, door)
    await takes_another_selection_over(stack, door)


async def refuses_what_is_no_endpoint(door: Door) -> None:
    """The gateway knows exact paths only, and methods that open no session."""
    list_all = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with door.http() as http:
        for path in (
            "/mcp/absent",
            "/mcp/review/",
            "/mcp/Review",
            "/mcp//review",
            "/mcp/review/x",
            "/mcp/%72eview",
        ):
            answer = http.post(f"/mcp/{path}", json=list_all)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
        assert http.get("/mcp/review").status_code == 405
        assert http.delete("/mcp/main").status_code == 405
    with httpx2.Client(verify=door.trust, trust_env=False) as stranger:
        for path in ("/mcp/review", "/mcp/main"):
            assert stranger.post(door.at(path=path).url, json=list_all).status_code == 401


async def holds_a_key_to_its_scopes_everywhere(stack: Stack, door: Door) -> None:
    """A scope is a permission, an endpoint a selection: a client sees what both give."""
    made = await asyncio.to_thread(stack.ok, "keys", "create", "narrow", "--scope", "second", "--json")
    narrow = Door(door.url, door.ca_file, made.document["key"])

    async def let_in() -> bool:
        with narrow.http() as http:
            return http.post("/mcp", json={}).status_code != 401

    async with asyncio.timeout(10):
        while not await let_in():
            await asyncio.sleep(0.05)
    assert await tools(narrow) == await tools(narrow.at(path="/mcp/readers")) == {"second_read"}
    assert await tools(narrow.at(path="/mcp/review")) == set()
    assert await refused(narrow.at(path="/mcp/main"), "files_read")


async def takes_another_selection_over(stack: Stack, door: Door) -> None:
    """`up` changes what is shown where; no container is made anew, and listeners are told."""
    before = await asyncio.to_thread(stack.containers)
    review = door.at(path="/mcp/review")
    told: list[type] = []
    async with review.client() as client, client.listen(tools_list_changed=True) as events:

        async def hear() -> None:
            async for event in events:
                told.append(type(event))  # noqa: PERF401 - the stream does not end

        hearing = asyncio.create_task(hear())
        stack.configure({"endpoints": {"review": {"tools": ["docs_kinds"]}, "audit": {"prompts": ["*"]}}})
        del stack.settings["endpoints"]["readers"]
        stack.write_settings()
        await asyncio.to_thread(stack.up)
        await asyncio.to_thread(wait_until, lambda: ToolsListChanged in told, 20, "the listener is told")
        assert {tool.name for tool in (await client.list_tools()).tools} == {"docs_kinds"}
        assert not hearing.done(), "its stream is the one it began with"
        hearing.cancel()
    assert ResourcesListChanged not in told
    assert await asyncio.to_thread(stack.containers) == before
    assert await tools(door.at(path="/mcp/audit")) == set()
    with door.http() as http:
        assert http.post("/mcp/readers", json={}).status_code == 404
    endpoint = await asyncio.to_thread(stack.ok, "endpoint", "audit", "--json")
    assert endpoint.document["url"] == door.at(path="/mcp/audit").url
    routes = await asyncio.to_thread(stack.ok, "routes", "--json")
    assert {it["path"] for it in routes.document["endpoints"]} == {
        "/mcp",
        "/mcp/audit",
        "/mcp/main",
        "/mcp/review",
        "/mcp/second",
    }

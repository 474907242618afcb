"""Another ``routing.yaml`` is taken over while the orchestrator serves; named endpoints show their part."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from .conftest import Stack, eventually, wait_until

pytestmark = pytest.mark.anyio


async def names(stack: Stack, path: str = "/mcp", mode: str = "auto") -> set[str]:
    async with stack.client(mode, path) as client:
        return {tool.name for tool in (await client.list_tools()).tools}


async def until_there(stack: Stack, path: str, status: int = 200) -> float:
    """Wait until ``path`` answers a POST that is no message with anything but 404, or with 404; seconds."""
    begun = time.monotonic()
    with stack.http() as http:
        wait_until(lambda: (http.post(path, json={}).status_code == 404) == (status == 404), 10, path)
    return time.monotonic() - begun


def routing_lines(stack: Stack, event: str) -> list[dict[str, Any]]:
    return [line for line in stack.orchestrator.lines() if line.get("event") == event]


@pytest.fixture
def growing(make_stack: Callable[[], Stack]) -> Stack:
    stack = make_stack()
    stack.add("red")
    return stack.up()


async def test_a_server_that_is_added_is_there_within_a_second_and_drops_no_stream(growing: Stack) -> None:
    heard = asyncio.Event()

    async def on_progress(*_: Any) -> None:
        heard.set()

    async with growing.client() as client:
        call = asyncio.create_task(
            client.call_tool("red_count", {"steps": 300, "label": "on"}, progress_callback=on_progress)
        )
        async with asyncio.timeout(10):
            await heard.wait()
        blue = growing.add("blue")
        blue.start()
        growing.write_routing()
        assert await until_there(growing, "/mcp/blue") < 1.5
        async with growing.client() as other:
            assert (await other.call_tool("blue_echo", {"text": "hi"})).content[0].text == "hi"
        assert {"red_echo", "blue_echo"} <= await names(growing)
        assert {"blue_echo"} <= await names(growing, "/mcp/blue")
        assert (await call).content[0].text == "on"
    with growing.http() as http:
        assert http.get("/health/ready/blue", headers={"Authorization": ""}).status_code == 200
        assert set(http.get("/health/ready").json()["checks"]) == {
            *("red", "blue"),
            *("names", "routing", "definitions"),
        }
    assert growing.orchestrator.process is not None
    assert growing.orchestrator.process.poll() is None


async def test_a_server_that_is_removed_finishes_its_calls_and_is_gone(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    stack.add("blue")
    stack.up()
    heard = asyncio.Event()

    async def on_progress(*_: Any) -> None:
        heard.set()

    async with stack.client() as client:
        call = asyncio.create_task(
            client.call_tool("blue_count", {"steps": 150, "label": "last"}, progress_callback=on_progress)
        )
        async with asyncio.timeout(10):
            await heard.wait()
        blue = stack.servers.pop("blue")
        stack.write_routing()
        await until_there(stack, "/mcp/blue", 404)
        assert not any(name.startswith("blue_") for name in await names(stack))
        assert not routing_lines(stack, "server left")
        assert (await call).content[0].text == "last"
    await eventually(lambda: bool(routing_lines(stack, "server left")))
    with stack.http() as http:
        assert http.get("/health/ready/blue").status_code == 404
        assert "blue" not in http.get("/health/ready").json()["checks"]
    blue.stop()


async def test_a_changed_policy_holds_from_then_on(growing: Stack, mode: str) -> None:
    assert "red_echo" in await names(growing)
    growing.servers["red"].entry["tools"] = {"rename": {"red_echo": "say"}, "deny": ["red_pid"]}
    growing.write_routing()
    with growing.http() as http:

        def renamed() -> bool:
            return "say" in json.dumps(http.post("/mcp", **listing()).json())

        wait_until(renamed, 5, "the new name")
    async with growing.client(mode) as client:
        assert (await client.call_tool("say", {"text": "hi"})).content[0].text == "hi"
        with pytest.raises(MCPError, match="Unknown tool: red_pid"):
            await client.call_tool("red_pid")


def listing() -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {
        "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}},
        "headers": {
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/list",
            "Accept": "application/json, text/event-stream",
        },
    }


async def test_listeners_are_told_when_servers_come_and_policies_change(growing: Stack) -> None:
    changed = asyncio.Queue[str]()
    async with (
        growing.client() as client,
        client.listen(tools_list_changed=True) as stream,
        asyncio.TaskGroup() as group,
    ):

        async def listen() -> None:
            async for event in stream:
                changed.put_nowait(type(event).__name__)

        listening = group.create_task(listen())
        blue = growing.add("blue")
        blue.start()
        growing.write_routing()
        async with asyncio.timeout(10):
            assert await changed.get() == "ToolsListChanged"
        listed = await client.list_tools(cache_mode="refresh")
        assert "blue_echo" in {tool.name for tool in listed.tools}
        listening.cancel()


@pytest.mark.parametrize("broken", ["[", '{"version": 1, "servers": {"red": {"url": "ftp://red"}}}', ""])
async def test_a_broken_file_keeps_the_last_good_one_and_is_told(growing: Stack, broken: str) -> None:
    file = growing.orchestrator.folder / "config" / "routing.yaml"
    file.write_text(broken)
    with growing.http() as http:
        wait_until(
            lambda: not http.get("/health/ready").json()["checks"]["routing"]["ok"], 5, "routing is not ok"
        )
        assert "routing.yaml" in http.get("/health/ready").json()["checks"]["routing"]["detail"]
        assert http.get("/health/ready").status_code == 200
        assert "red_echo" in await names(growing)
        growing.write_routing()
        wait_until(lambda: http.get("/health/ready").json()["checks"]["routing"]["ok"], 5, "routing is ok")
    assert len(routing_lines(growing, "last good one kept")) == 1


async def test_a_server_whose_key_comes_later_joins_when_it_has_come(growing: Stack) -> None:
    """A key may be delivered after the routing; outside of loopback there is no server without one."""
    blue = growing.add("blue")
    blue.start()
    key = growing.orchestrator.folder / "secrets" / "upstream-blue"
    value = key.read_text()
    key.write_text("not\x07printable")
    growing.write_routing()
    await eventually(lambda: bool(routing_lines(growing, "last good one kept")))
    assert not any(name.startswith("blue_") for name in await names(growing))
    key.write_text(value)
    await until_there(growing, "/mcp/blue")
    assert "blue_echo" in await names(growing)


async def test_a_named_endpoint_shows_its_part_and_nothing_else(growing: Stack, mode: str) -> None:
    blue = growing.add("blue")
    blue.start()
    growing.endpoints = {
        "review": {"servers": ["red", "blue"], "tools": ["*_echo"], "resources": ["red://*"]},
        "words": {"servers": ["blue"], "prompts": ["*"]},
    }
    growing.write_routing()
    await until_there(growing, "/mcp/words")
    async with growing.client(mode, "/mcp/review") as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"red_echo", "blue_echo"}
        assert [str(found.uri) for found in (await client.list_resources()).resources] == ["red://fixed"]
        assert (await client.list_prompts()).prompts == []
        assert (await client.call_tool("blue_echo", {"text": "hi"})).content[0].text == "hi"
        assert (await client.read_resource("red://things/a")).contents[0].text == "thing a of red"
        for hidden in (
            client.call_tool("red_pid"),
            client.read_resource("blue://things/a"),
            client.get_prompt("red_prompt", {"topic": "x"}),
        ):
            with pytest.raises(MCPError, match="Unknown"):
                await hidden
    async with growing.client(mode, "/mcp/words") as client:
        assert (await client.list_tools()).tools == []
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["blue_prompt"]
    with httpx2.Client(base_url=f"http://127.0.0.1:{growing.orchestrator.port}", trust_env=False) as http:
        assert http.post("/mcp/review", **listing()).status_code == 401
    growing.endpoints = {"review": {"servers": ["red"], "tools": ["red_pid"]}}
    growing.write_routing()
    await until_there(growing, "/mcp/words", 404)
    assert await names(growing, "/mcp/review", mode) == {"red_pid"}


async def test_a_named_endpoint_tells_only_what_concerns_it(growing: Stack) -> None:
    growing.endpoints = {"part": {"tools": ["red_touch"], "resources": ["red://fixed"]}}
    growing.write_routing()
    await until_there(growing, "/mcp/part")
    async with growing.client() as everything, growing.client(path="/mcp/part") as part:
        uris = ["red://things/a", "red://fixed"]
        async with (
            everything.listen(resource_subscriptions=uris),
            part.listen(resource_subscriptions=uris) as stream,
        ):
            for uri in uris:
                await part.call_tool("red_touch", {"uri": uri})
            async with asyncio.timeout(10):
                event = await anext(aiter(stream))
    assert event.uri == "red://fixed"


def test_the_switch_of_a_link_is_noticed(make_stack: Any) -> None:
    """As docgenctl fills volumes: a new folder, then the link to it renamed into place."""
    stack = make_stack()
    stack.add("red")
    config = stack.orchestrator.folder / "config"
    config.rmdir()
    versions = [stack.orchestrator.folder / f"version-{number}" for number in (1, 2)]
    versions[0].mkdir()
    config.symlink_to(versions[0])
    stack.up()
    stack.endpoints = {"named": {"tools": ["*"]}}
    versions[1].mkdir()
    fill(stack, versions[1])
    fresh = stack.orchestrator.folder / "fresh"
    fresh.symlink_to(versions[1])
    fresh.replace(config)
    with stack.http() as http:
        wait_until(lambda: http.post("/mcp/named", json={}).status_code != 404, 5, "the named endpoint")


def fill(stack: Stack, folder: Path) -> None:
    servers = {name: server.entry for name, server in stack.servers.items()}
    document = {"version": 1, "servers": servers, "endpoints": stack.endpoints}
    (folder / "routing.yaml").write_text(json.dumps(document))

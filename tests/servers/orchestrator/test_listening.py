"""Change notifications: from servers through the orchestrator to those who listen."""

import asyncio
import signal
import time
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    Subscription,
    ToolsListChanged,
)

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack
from tests.servers.wire import headers, message

# ruff: noqa: SIM117 - what is listened to is nested in who listens
pytestmark = pytest.mark.anyio

IN_FLIGHT = "docgen_http_requests_in_flight "
ALL = {"tools_list_changed": True, "prompts_list_changed": True, "resources_list_changed": True}


async def heard(listener: Subscription, count: int = 1) -> list[Any]:
    async with asyncio.timeout(10):
        return [await anext(listener) for _ in range(count)]


async def silent(listener: Subscription, seconds: float = 0.3) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await anext(listener)
    except TimeoutError:
        return True
    return False


async def made(client: Client, name: str) -> bool:
    return name in {resource.name for resource in (await client.list_resources()).resources}


async def test_a_list_that_changed_is_told_and_the_new_one_is_there(stack: Any) -> None:
    async with stack.client() as client, stack.client() as other:
        async with client.listen(resources_list_changed=True) as listener:
            for number in range(3):
                await other.call_tool("red_publish", {"name": f"told-{number}"})
                assert await heard(listener) == [ResourcesListChanged()]
                assert await made(client, f"told-{number}")


async def test_updates_come_for_the_resources_asked_for_and_from_the_endpoints_servers_alone(
    stack: Any,
) -> None:
    async with stack.client() as client, stack.client(path="/mcp/blue") as blue, stack.client() as other:
        async with (
            client.listen(resource_subscriptions=["red://fixed"]) as listener,
            client.listen(resource_subscriptions=["red://things/1", "blue://fixed"]) as both,
            blue.listen(resources_list_changed=True, resource_subscriptions=["red://fixed"]) as elsewhere,
        ):
            for uri in ("red://things/1", "red://fixed", "red://things/2"):
                await other.call_tool("red_touch", {"uri": uri})
            await other.call_tool("blue_touch", {"uri": "blue://fixed"})
            assert await heard(listener) == [ResourceUpdated("red://fixed")]
            assert set(await heard(both, 2)) == {
                ResourceUpdated("red://things/1"),
                ResourceUpdated("blue://fixed"),
            }
            assert await silent(listener)
            assert await silent(elsewhere)


async def test_a_caller_that_asks_for_too_much_is_refused(stack: Any) -> None:
    uris = [f"red://things/{number}" for number in range(101)]
    async with stack.client() as client:
        with pytest.raises(Exception, match="at most 100 resources"):
            async with client.listen(resource_subscriptions=uris):
                pass


def in_flight(stack: Stack, server: str) -> float:
    process = stack.servers[server]
    key = {"Authorization": f"Bearer {process.key}"}
    text = httpx2.get(f"http://127.0.0.1:{process.port}/metrics", headers=key, trust_env=False).text
    (line,) = (line for line in text.splitlines() if line.startswith(IN_FLIGHT))
    return float(line.split()[-1])


async def test_hundreds_of_callers_share_one_stream_and_leave_nothing_behind(stack: Any) -> None:
    before = in_flight(stack, "red")
    request = message("subscriptions/listen", {"notifications": {"resourcesListChanged": True}})
    base = f"http://127.0.0.1:{stack.orchestrator.port}"
    sent = {**headers(request), "Authorization": f"Bearer {CLIENT_KEY}"}
    async with (
        stack.client() as keeper,
        stack.client() as other,
        keeper.listen(resources_list_changed=True) as kept,
        httpx2.AsyncClient(base_url=base, trust_env=False, headers=sent) as http,
    ):

        async def listen_and_drop() -> None:
            async with http.stream("POST", "/mcp", json=request) as answer:
                lines = answer.aiter_lines()
                assert any("acknowledged" in line for line in [await anext(lines), await anext(lines)])

        for _ in range(4):
            await asyncio.gather(*(listen_and_drop() for _ in range(80)))
        assert in_flight(stack, "red") == before
        await other.call_tool("red_publish", {"name": "after-the-crowd"})
        assert await heard(kept) == [ResourcesListChanged()]


async def test_after_a_lost_server_all_counts_as_changed(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    stack.up()
    async with stack.client() as client:
        async with client.listen(**ALL, resource_subscriptions=["red://fixed"]) as listener:
            stack.servers["red"].stop()
            stack.servers["red"].start()
            changed = {ToolsListChanged(), PromptsListChanged(), ResourcesListChanged()}
            assert set(await heard(listener, 4)) == {*changed, ResourceUpdated("red://fixed")}
            async with stack.client() as other:
                await other.call_tool("red_touch", {"uri": "red://fixed"})
            assert await heard(listener) == [ResourceUpdated("red://fixed")]


async def test_stopping_ends_open_streams_in_order_and_at_once(make_stack: Any) -> None:
    stack: Stack = make_stack()
    stack.add("red")
    stack.up()
    for process in (stack.orchestrator, stack.servers["red"]):
        if process is not stack.orchestrator:
            stack.orchestrator.start()
        async with stack.client() as client, client.listen(resources_list_changed=True) as listener:
            begun = time.monotonic()
            status = await asyncio.to_thread(process.stop, signal.SIGTERM)
            assert status == 0
            assert time.monotonic() - begun < 4
            if process is stack.orchestrator:
                with pytest.raises(StopAsyncIteration):
                    await heard(listener)


async def test_documents_and_files_of_the_main_server_are_told(documents: Stack) -> None:
    uri = "docs://generated/told.md"
    async with documents.client() as client, documents.client() as other:
        async with client.listen(resources_list_changed=True, resource_subscriptions=[uri]) as listener:
            await other.call_tool("files_write", {"path": "docs/generated/told.md", "content": "one"})
            assert set(await heard(listener, 2)) == {ResourceUpdated(uri), ResourcesListChanged()}
            assert await made(client, "told.md")
            await other.call_tool("files_delete", {"path": "docs/generated/told.md"})
            assert set(await heard(listener, 2)) == {ResourceUpdated(uri), ResourcesListChanged()}
            assert not await made(client, "told.md")

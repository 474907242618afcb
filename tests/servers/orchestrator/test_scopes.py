"""A key sees and reaches what its scopes give, at every door, in both protocol eras."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack, key_entry, write_keys
from tests.servers.wire import Wire, headers, message

pytestmark = pytest.mark.anyio

NOT_GRANTED = -32014
SCOPES = {
    "reader": ["*:read"],
    "red": ["red"],
    "echoes": ["*/*_ec*"],
    "mixed": ["red:read", "blue/blue_publish"],
    "nothing": [],
}
ALL = {"echo", "pid", "count", "wait", "big", "headers", "meta", "ask", "publish", "touch", "happen"}
READING = {"echo", "pid"}


def raw(name: str) -> str:
    return f"dgk_{name}-key-of-these-tests"


@pytest.fixture(scope="module")
def scoped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("scoped"))
    stack.add("red")
    stack.add("blue")
    others = [key_entry(raw(name), name, scopes=scopes) for name, scopes in SCOPES.items()]
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *others)
    try:
        yield stack.up()
    finally:
        stack.close()


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw(name)}"}


def named(prefix: str, names: set[str]) -> set[str]:
    return {f"{prefix}_{name}" for name in names}


@pytest.mark.parametrize(
    ("key", "tools"),
    [
        ("reader", named("red", READING) | named("blue", READING)),
        ("red", named("red", ALL)),
        ("echoes", {"red_echo", "blue_echo"}),
        ("mixed", named("red", READING) | {"blue_publish"}),
        ("nothing", set()),
    ],
)
async def test_a_key_is_shown_the_tools_it_may_call_and_no_others(
    scoped: Stack, mode: str, key: str, tools: set[str]
) -> None:
    async with scoped.client(mode, headers=bearer(key)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == tools


@pytest.mark.parametrize("path", ["/mcp", "/mcp/red"])
async def test_a_read_only_key_that_calls_a_writing_tool_all_the_same_gets_403_and_nothing_runs(
    scoped: Stack, path: str
) -> None:
    async with httpx2.AsyncClient(
        base_url=scoped.orchestrator.url.removesuffix("/mcp"), headers=bearer("reader"), trust_env=False
    ) as http:
        wire = Wire(http, path)
        assert (await wire.call("red_echo", {"text": "hi"}))["content"][0]["text"] == "hi"
        error = await wire.error("tools/call", {"name": "red_publish", "arguments": {"name": "forbidden"}})
        assert error["code"] == NOT_GRANTED
        assert error["data"]["code"] == "not_granted"
        lists = await wire.result("resources/list")
        assert "red://made/forbidden" not in json.dumps(lists)
    answer = await _post(scoped, path, "reader", "red_publish")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == NOT_GRANTED


async def test_an_older_client_is_refused_the_same_call_too(scoped: Stack) -> None:
    async with scoped.client("legacy", headers=bearer("reader")) as client:
        assert not (await client.call_tool("red_echo", {"text": "hi"})).is_error
        with pytest.raises(MCPError, match="do not include the tool red_publish") as error:
            await client.call_tool("red_publish", {"name": "forbidden-too"})
        assert error.value.error.code == NOT_GRANTED
        uris = [resource.uri for resource in (await client.list_resources()).resources]
        assert "red://made/forbidden-too" not in uris


async def test_a_header_that_names_a_granted_tool_does_not_open_another(scoped: Stack) -> None:
    answer = await _post(scoped, "/mcp", "reader", "red_publish", mcp_name="red_echo")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32020
    encoded = await _post(scoped, "/mcp", "reader", "red_publish", mcp_name="=?base64?cmVkX3B1Ymxpc2g=?=")
    assert encoded.json()["error"]["code"] in (NOT_GRANTED, -32020)


async def test_what_else_a_server_has_is_neither_offered_nor_reachable_without_the_server(
    scoped: Stack, mode: str
) -> None:
    async with scoped.client(mode, headers=bearer("red")) as client:
        assert all(str(r.uri).startswith("red:") for r in (await client.list_resources()).resources)
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == ["red://things/{name}"]
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["red_prompt"]
        assert (await client.read_resource("red://fixed")).contents
        for uri in ("blue://fixed", "blue://things/one"):
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="Unknown prompt"):
            await client.get_prompt("blue_prompt", {"topic": "x"})
        for reference in (
            {"type": "ref/prompt", "name": "blue_prompt"},
            {"type": "ref/resource", "uri": "blue://things/{name}"},
        ):
            with pytest.raises(MCPError, match="Unknown"):
                await _complete(client, reference)
        assert (await _complete(client, {"type": "ref/prompt", "name": "red_prompt"})).completion.values


@pytest.mark.parametrize("key", ["echoes", "nothing"])
async def test_tools_alone_give_nothing_else(scoped: Stack, key: str) -> None:
    async with scoped.client(headers=bearer(key)) as client:
        assert (await client.list_resources()).resources == []
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError, match="Unknown resource"):
            await client.read_resource("red://fixed")


async def test_an_endpoint_of_one_server_obeys_too(scoped: Stack, mode: str) -> None:
    async with scoped.client(mode, path="/mcp/blue", headers=bearer("red")) as client:
        assert (await client.list_tools()).tools == []
        assert (await client.list_resources()).resources == []
        with pytest.raises(MCPError) as error:
            await client.call_tool("blue_echo", {"text": "hi"})
        assert error.value.error.code == NOT_GRANTED


async def test_changes_are_told_of_resources_that_may_be_read_and_of_no_others(scoped: Stack) -> None:
    uris = ["red://fixed", "blue://fixed", "green://unknown"]
    async with (
        scoped.client(headers=bearer("red")) as client,
        scoped.client() as other,
        other.listen(resource_subscriptions=["blue://fixed"]) as everything,
        client.listen(resource_subscriptions=uris) as listener,
    ):
        assert listener.honored.resource_subscriptions == ["red://fixed"]
        await other.call_tool("blue_touch", {"uri": "blue://fixed"})
        async with asyncio.timeout(10):
            assert (await anext(everything)).uri == "blue://fixed"  # type: ignore[union-attr]
            await other.call_tool("red_touch", {"uri": "red://fixed"})
            assert (await anext(listener)).uri == "red://fixed"  # type: ignore[union-attr]


async def test_events_come_from_granted_servers_alone(scoped: Stack) -> None:
    base = scoped.orchestrator.url.removesuffix("/mcp")
    async with (
        httpx2.AsyncClient(base_url=base, headers=bearer("red"), trust_env=False, timeout=10) as http,
        scoped.client() as other,
        http.stream("GET", "/events") as answer,
    ):
        lines = answer.aiter_lines()
        async for line in lines:
            if "events.ready" in line and line.startswith("data:"):
                break
        await other.call_tool("blue_happen", {"label": "hidden"})
        await other.call_tool("red_happen", {"label": "shown"})
        async for line in lines:
            assert "hidden" not in line
            if "shown" in line:
                break


async def test_a_server_that_is_away_is_named_to_those_alone_who_may_use_it(make_stack: Any) -> None:
    stack: Stack = make_stack()
    stack.add("red")
    stack.add("blue")
    others = [key_entry(raw(name), name, scopes=scopes) for name, scopes in SCOPES.items()]
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *others)
    stack.up("blue")
    async with (
        stack.client(headers=bearer("red")) as client,
        stack.client(headers=bearer("reader")) as reader,
    ):
        assert "blue" not in str((await client.list_tools()).meta)
        assert "blue" in str((await reader.list_tools()).meta)
        with pytest.raises(MCPError) as error:
            await reader.call_tool("blue_echo", {"text": "hi"})
        # Nobody has told yet that this tool only reads, so it counts as one that writes.
        assert error.value.error.code == NOT_GRANTED


async def _complete(client: Any, reference: dict[str, Any]) -> Any:

    kind = PromptReference if reference["type"] == "ref/prompt" else ResourceTemplateReference
    return await client.complete(kind(**reference), {"name": "topic", "value": ""})


async def _post(stack: Stack, path: str, key: str, tool: str, mcp_name: str | None = None) -> httpx2.Response:

    request = message("tools/call", {"name": tool, "arguments": {"name": "x", "text": "x"}})
    sent = headers(request) | bearer(key) | ({"Mcp-Name": mcp_name} if mcp_name else {})
    base = stack.orchestrator.url.removesuffix("/mcp")
    async with httpx2.AsyncClient(base_url=base, trust_env=False) as http:
        return await http.post(path, json=request, headers=sent)

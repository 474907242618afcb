"""Tools that an operator denied, renamed or bounded, as callers of a running orchestrator meet them."""

from collections.abc import Iterator
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from .conftest import Stack, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Red with a renamed, a denied and a bounded tool; blue with a name that red had, too."""
    stack = Stack(tmp_path_factory.mktemp("governed"))
    stack.add(
        "red",
        "same",
        policy={
            "deny": ["red_pid"],
            "rename": {"red_echo": "say", "same": "red_same"},
            "timeout_s": {"red_wait": 0.5},
        },
    )
    stack.add("blue", "same", policy={"allow": ["blue_echo", "same"]})
    try:
        yield stack.up()
    finally:
        stack.close()


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One server twice, as an entry for another identity is: bob's shows its tools only, by other names."""
    stack = Stack(tmp_path_factory.mktemp("twins"))
    stack.add("ann", prefix="hub")
    stack.add(
        "bob",
        prefix="hub",
        policy={"rename": {"hub_*": "bob_*"}},
        resources={"deny": ["hub://*"]},
        prompts={"deny": ["*"]},
    )
    try:
        yield stack.up()
    finally:
        stack.close()


async def test_the_same_server_twice_is_served_whole_where_one_shows_its_tools_only(
    twins: Stack, mode: str
) -> None:
    async with twins.client(mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"hub_pid", "bob_pid"} <= names
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["hub_prompt"]
        assert (await client.get_prompt("hub_prompt", {"topic": "tea"})).messages
        assert [str(it.uri) for it in (await client.list_resources()).resources] == ["hub://fixed"]
        assert (await client.read_resource("hub://things/cup")).contents
    with twins.http() as http:
        assert http.get("/health/ready").json()["checks"]["names"]["ok"]


@pytest.mark.parametrize("uri", ["hub://fixed", "hub://things/cup"])
async def test_what_one_of_the_twins_denies_is_not_at_its_own_endpoint_either(
    twins: Stack, mode: str, uri: str
) -> None:
    async with twins.client(mode, path="/mcp/bob") as client:
        assert (await client.list_prompts()).prompts == []
        assert (await client.list_resource_templates()).resource_templates == []
        with pytest.raises(MCPError, match="Unknown resource"):
            await client.read_resource(uri)
        with pytest.raises(MCPError, match="Unknown prompt"):
            await client.get_prompt("hub_prompt", {"topic": "tea"})


async def test_lists_have_new_names_and_nothing_denied(governed: Stack, mode: str) -> None:
    async with governed.client(mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert {"say", "red_same", "same", "blue_echo"} <= names
    assert not {"red_echo", "red_pid", "blue_pid"} & names


async def test_a_call_by_the_new_name_reaches_the_server_under_its_own(governed: Stack, mode: str) -> None:
    async with governed.client(mode) as client:
        said = await client.call_tool("say", {"text": "hi"})
        assert said.content[0].text == "hi"
        assert (await client.call_tool("red_same")).content[0].text == "red"
        assert (await client.call_tool("same")).content[0].text == "blue"
    wanted = {"event": "request", "tool": "say", "outcome": "ok"}
    own = {**wanted, "tool": "red_echo"}
    await eventually(lambda: any(wanted.items() <= line.items() for line in governed.orchestrator.lines()))
    await eventually(lambda: any(own.items() <= line.items() for line in governed.servers["red"].lines()))
    with governed.http() as http:
        metrics = http.get("/metrics").text
    assert 'tool="say"' in metrics
    assert 'tool="red_echo"' not in metrics


async def test_a_denied_tool_and_an_unknown_one_get_the_same_answer(governed: Stack, mode: str) -> None:
    answers = []
    async with governed.client(mode) as client:
        for name in ("red_pid", "red_xyz", "red_echo", "blue_pid"):
            with pytest.raises(MCPError) as caught:
                await client.call_tool(name, {"text": "hi"})
            error = caught.value
            answers.append((error.code, error.message.replace(name, "…"), error.data))
    assert len(set(map(repr, answers))) == 1


async def test_a_tools_own_deadline_counts(governed: Stack, mode: str) -> None:
    async with governed.client(mode) as client:
        with pytest.raises(MCPError, match=r"did not answer within 0\.5 s"):
            await client.call_tool("red_wait", {"label": "x"})


async def test_arguments_are_checked_against_headers_by_the_new_name(governed: Stack) -> None:
    """What the SDK mirrors and checks goes by names that callers see."""
    request: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "say",
            "arguments": {"text": "hi"},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Accept": "application/json, text/event-stream",
    }
    with governed.http(**headers) as http:
        right = http.post("/mcp", json=request, headers={"Mcp-Name": "say"})
        wrong = http.post("/mcp", json=request, headers={"Mcp-Name": "red_echo"})
    assert right.json()["result"]["content"][0]["text"] == "hi"
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, -32020)

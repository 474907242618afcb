"""The official Python client, in both eras, with the bridge as its stdio command."""

import asyncio
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
    ToolListChangedNotification,
)

from tests.unit.endpoint.bridge.conftest import Home

pytestmark = pytest.mark.anyio
VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
both_eras = pytest.mark.parametrize("mode", VERSIONS)


async def say_green(context: Any, params: ElicitRequestParams) -> ElicitResult:
    assert params.message == "Which colour?"
    return ElicitResult(action="accept", content={"colour": "green"})


@both_eras
async def test_tools_resources_and_prompts_are_those_of_the_stack(shared: Home, mode: str) -> None:
    async with Client(shared.parameters(), mode=mode) as client:
        assert client.protocol_version == VERSIONS[mode]
        assert client.server_info.name == "fixture"
        assert "echo" in {tool.name for tool in (await client.list_tools()).tools}
        echoed = await client.call_tool("echo", {"text": "zażółć \u2028"})
        assert echoed.structured_content == {"result": "zażółć \u2028"}
        (content,) = (await client.read_resource("docs://one")).contents
        assert content.text == "# One"
        prompt = await client.get_prompt("greeting", {"name": "Ada"})
        assert prompt.messages[0].content.text == "Greet Ada"
        with pytest.raises(MCPError):
            await client.get_prompt("no such", {})


@both_eras
async def test_twelve_calls_at_once_each_hear_their_own_progress(shared: Home, mode: str) -> None:
    async with Client(shared.parameters(), mode=mode) as client:

        async def call(number: int) -> None:
            heard: list[tuple[float, str | None]] = []

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                assert total == 20
                heard.append((progress, message))

            arguments = {"count": 20, "label": f"caller {number}"}
            result = await client.call_tool("steps", arguments, progress_callback=hear)
            assert result.structured_content == {"result": f"caller {number}"}
            assert heard == [(step, f"caller {number}") for step in range(1, 21)]

        await asyncio.gather(*(call(number) for number in range(12)))


@both_eras
async def test_a_call_that_the_client_gives_up_ends_in_the_server(shared: Home, mode: str) -> None:
    label = f"given up by {mode}"
    async with Client(shared.parameters(), mode=mode) as client:
        begun = asyncio.Event()

        async def hear(*_: Any) -> None:
            begun.set()

        call = asyncio.create_task(client.call_tool("hang", {"label": label}, progress_callback=hear))
        await begun.wait()
        call.cancel()
        async with asyncio.timeout(20):
            while label not in (await client.call_tool("cancellations", {})).structured_content["result"]:
                await asyncio.sleep(0.02)


@both_eras
async def test_a_question_of_the_server_reaches_the_person_and_the_answer_the_server(
    shared: Home, mode: str
) -> None:
    async with Client(shared.parameters(), mode=mode, elicitation_callback=say_green) as client:
        result = await client.call_tool("ask", {})
    assert result.structured_content == {"result": "chose green"}


@both_eras
async def test_models_and_roots_of_the_client_are_asked_as_well(shared: Home, mode: str) -> None:
    async def sample(context: Any, params: CreateMessageRequestParams) -> CreateMessageResult:
        return CreateMessageResult(role="assistant", content=TextContent(text="hi"), model="tiny")

    async def roots(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///work")])

    parameters = shared.parameters()
    async with Client(parameters, mode=mode, sampling_callback=sample, list_roots_callback=roots) as client:
        result = await client.call_tool("ask_more", {})
    assert result.content[0].text == "tiny sees ['file:///work']"


async def test_a_question_that_a_client_cannot_answer_is_not_put_to_it(shared: Home) -> None:
    async with Client(shared.parameters(), mode="legacy") as client:
        with pytest.raises(MCPError):
            await client.call_tool("ask", {})


@both_eras
async def test_a_changed_list_is_told(own: Home, mode: str) -> None:
    own.start()
    told = asyncio.Event()

    async def handle(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            told.set()

    async with asyncio.timeout(30), Client(own.parameters(), mode=mode, message_handler=handle) as client:
        if mode == "legacy":
            while not told.is_set():  # the stream that tells begins after the handshake
                await client.call_tool("change", {"name": "fresh"})
                await asyncio.wait([asyncio.create_task(told.wait())], timeout=0.2)
        else:
            async with client.listen(tools_list_changed=True) as changes:
                await client.call_tool("change", {"name": "fresh"})
                assert type(await anext(changes)).__name__ == "ToolsListChanged"
        assert "fresh" in {tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools}


@both_eras
async def test_a_result_of_megabytes_arrives_whole(shared: Home, mode: str) -> None:
    async with Client(shared.parameters(), mode=mode) as client:
        result = await client.call_tool("long", {"size": 2_000_000})
    assert result.structured_content == {"result": "ä" * 2_000_000}


@both_eras
async def test_arguments_that_a_tool_wants_in_headers_get_there(shared: Home, mode: str) -> None:
    async with Client(shared.parameters(), mode=mode) as client:
        for region in ("north", "süd"):
            result = await client.call_tool("mirrored", {"region": region, "many": 3})
            assert not result.is_error, result
            assert result.structured_content["mcp-param-many"] == "3"

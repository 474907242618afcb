"""What a caller is told of a call that cannot be made."""

from typing import Annotated, Literal

import pytest
from docgen_common.tool_server import ToolServer
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from pydantic import Field

pytestmark = pytest.mark.anyio
server = ToolServer("probe")


@server.tool(description="Makes something.")
async def make(kind: Literal["one", "two"], size: Annotated[int, Field(ge=1)] = 1) -> str:
    if size == 13:
        raise ToolError("Thirteen is refused; take twelve.")
    if size == 99:
        raise RuntimeError("/host/path of something")
    return kind * size


@server.prompt(description="Writes something.")
async def write(topic: str, tone: str, length: str = "one line") -> str:
    return f"{topic}, {tone}, in {length}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"kind": "three"}, "kind: must be one of 'one' or 'two'"),
        ({}, "kind: is required"),
        ({"kind": "one", "size": 0}, "size: should be greater than or equal to 1"),
        ({"size": 1}, "kind: is required"),
        ({"kind": "one", "sise": 2}, "sise: there is no such argument; there are: kind, size"),
        ({"kind": "one", "size": 13}, "Thirteen is refused; take twelve."),
    ],
)
async def test_a_mistake_is_told_in_a_sentence_that_names_the_argument(arguments: dict, told: str) -> None:
    async with Client(server) as client:
        result = await client.call_tool("make", arguments)
    assert result.is_error
    assert [block.text for block in result.content] == [told]


async def test_a_crash_tells_nothing_of_what_happened() -> None:
    async with Client(server) as client:
        result = await client.call_tool("make", {"kind": "one", "size": 99})
    assert result.is_error
    assert "/host/path" not in str(result.content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("nope", {}, "Unknown prompt: nope"),
        ("write", {}, "topic, tone: is required"),
        ("write", {"topic": "rain"}, "tone: is required"),
    ],
)
async def test_a_prompt_that_cannot_be_got_is_the_callers_mistake(
    mode: str, name: str, arguments: dict, told: str
) -> None:
    async with Client(server, mode=mode) as client:
        with pytest.raises(MCPError, match=told) as refused:
            await client.get_prompt(name, arguments)
        assert refused.value.code == -32602
        got = await client.get_prompt("write", {"topic": "rain", "tone": "dry"})
    assert got.messages[0].content.text == "rain, dry, in one line"

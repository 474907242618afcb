"""The fixture's questions to clients of the older era, which the suite asks on the newest wire alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def person(_: Any, params: Any) -> ElicitResult:
    answers = {"name": "Ada", "color": "blue", "ok": True, "context": "the sea"}
    fields = params.requested_schema["properties"]
    return ElicitResult(action="accept", content={key: answers[key] for key in fields})


async def model(_: Any, params: Any) -> CreateMessageResult:
    said = f"said to {params.messages[0].content.text}"
    return CreateMessageResult(role="assistant", content=TextContent(text=said), model="m")


async def roots(_: Any) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri="file:///one")])


@asynccontextmanager
async def client(url: str, mode: str) -> AsyncIterator[Client]:
    answering: dict[str, Any] = {
        "elicitation_callback": person,
        "sampling_callback": model,
        "list_roots_callback": roots,
    }
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **answering) as opened,
    ):
        yield opened


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_kind_of_question_is_answered_in_either_era(urls: dict[str, str], mode: str) -> None:
    expected = {
        "elicitation": "Hello, Ada!",
        "sampling": "said to What is the capital of France?",
        "list_roots": "file:///one",
        "request_state": "state-ok",
        "multiple_inputs": "said to Generate a greeting!",
        "multi_round": "Ada likes blue",
    }
    async with client(urls["orchestrated, in sessions"], mode) as asked:
        names = [f"test_input_required_result_{name}" for name in expected]
        results = await asyncio.gather(*(asked.call_tool(name, {}) for name in names))
        assert [result.content[0].text for result in results] == list(expected.values())
        prompt = await asked.get_prompt("test_input_required_result_prompt")
        assert prompt.messages[0].content.text == "Use this context: the sea"


async def test_without_a_session_an_older_client_is_told_that_it_cannot_be_asked(
    urls: dict[str, str],
) -> None:
    async with client(urls["orchestrated"], "legacy") as asked:
        with pytest.raises(Exception, match="asks for input"):
            await asked.call_tool("test_input_required_result_elicitation", {})

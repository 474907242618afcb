"""A program of an older revision, behind the adapter, is a server of 2026-07-28."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers import wire
from tests.servers.adapter.conftest import KEY, PROGRAM, Adapter, until

Make = Callable[..., Adapter]
pytestmark = pytest.mark.anyio


async def test_its_tools_are_listed_with_all_that_it_said_of_them(adapter: Adapter) -> None:
    async with adapter.caller() as caller:
        result = (await caller.ask("tools/list"))["result"]
    assert result["resultType"] == "complete"
    assert result["ttlMs"] == 0
    echo = next(tool for tool in result["tools"] if tool["name"] == "echo")
    assert echo["x-vendor"] == {"a": 1}


async def test_a_result_is_as_the_program_made_it(adapter: Adapter) -> None:
    async with adapter.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "echo", "arguments": {"say": "ünï\u2028"}})
    content = {"type": "text", "text": "ünï\u2028", "x-unknown": {"kept": [1, None]}}
    assert answer["result"]["content"] == [content]


async def test_the_new_envelope_does_not_reach_a_program_of_an_older_revision(
    one: Adapter,
) -> None:
    async with one.caller() as caller:
        await caller.ask("tools/call", {"name": "echo", "_meta": {"traceparent": "00-1-2-3"}})
    call = next(m for m in one.heard() if m.get("method") == "tools/call")
    assert call["params"]["_meta"]["traceparent"] == "00-1-2-3"
    assert not [key for key in call["params"]["_meta"] if "modelcontextprotocol" in key]


async def test_what_it_does_not_declare_is_not_asked_of_it(one: Adapter) -> None:
    async with one.caller() as caller:
        assert (await caller.ask("prompts/list"))["result"]["prompts"] == []
        assert (await caller.ask("prompts/get", {"name": "x"}))["error"]["code"] == -32601
    assert not [m for m in one.heard() if str(m.get("method")).startswith("prompts/")]


async def test_a_resource_that_is_not_there_is_so_in_the_words_of_the_new_revision(one: Adapter) -> None:
    async with one.caller() as caller:
        found = await caller.ask("resources/read", {"uri": "note://one"})
        missing = await caller.ask("resources/read", {"uri": "note://two"})
    assert found["result"]["contents"][0]["text"] == "hello"
    assert missing["error"]["code"] == -32602


async def test_progress_reaches_its_own_caller_only(one: Adapter) -> None:
    async def call(client: Any, word: str) -> list[tuple[float, str | None]]:
        seen: list[tuple[float, str | None]] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            seen.append((progress, message))

        await client.call_tool("progress", {"say": word}, progress_callback=on_progress)
        return seen

    async with one.client() as client:
        words = [f"caller-{number}" for number in range(12)]
        seen = await asyncio.gather(*(call(client, word) for word in words))
    assert [[message for _, message in own] for own in seen] == [[word] * 5 for word in words]
    assert all([progress for progress, _ in own] == [1, 2, 3, 4, 5] for own in seen)


async def test_callers_with_equal_ids_get_their_own_answers(one: Adapter) -> None:
    async with one.caller() as caller:

        async def ask(word: str) -> str:
            request = wire.message("tools/call", {"name": "echo", "arguments": {"say": word}})
            request["id"] = 1
            answer = await caller.http.post("/mcp", json=request, headers=wire.headers(request))
            found = answer.json()
            assert found["id"] == 1
            return str(found["result"]["content"][0]["text"])

        words = [f"word-{number}" for number in range(400)]
        assert await asyncio.gather(*map(ask, words)) == words


async def test_who_goes_away_cancels_at_the_program(one: Adapter) -> None:
    async with one.caller() as caller:
        call = asyncio.create_task(caller.ask("tools/call", {"name": "slow"}))
        until_heard = asyncio.to_thread(until, lambda: '"slow"' in (one.work / "heard").read_text())
        await until_heard
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        asked = next(m for m in one.heard() if m.get("method") == "tools/call")

        def cancelled() -> bool:
            notes = [m for m in one.heard() if m.get("method") == "notifications/cancelled"]
            return [note["params"]["requestId"] for note in notes] == [asked["id"]]

        await asyncio.to_thread(until, cancelled, what="the program hears of it")
        assert (await caller.ask("tools/call", {"name": "echo"}))["result"]


async def test_changed_lists_and_resources_are_told_to_who_listens(one: Adapter) -> None:
    async with one.client() as client:
        async with client.listen(tools_list_changed=True, resource_subscriptions=["note://one"]) as events:
            told = [type(await asyncio.wait_for(anext(events), 10)).__name__]
            await client.call_tool("grow", {})
            told.append(type(await asyncio.wait_for(anext(events), 10)).__name__)
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert told == ["ResourceUpdated", "ToolsListChanged"]
    assert "grown" in names


async def test_what_the_program_asks_of_its_client_is_declined_and_the_call_goes_on(one: Adapter) -> None:
    async with one.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "ask"})
    assert answer["result"]["content"][0]["text"] == "nothing"
    reply = next(m for m in one.heard() if m.get("id") == "mine-1")
    assert reply["error"]["message"] == "Elicitation not supported"


async def test_the_program_gets_what_is_declared_and_nothing_else(
    make_adapter: Callable[..., Adapter],
) -> None:
    options = {
        "command": [sys.executable, str(PROGRAM), "2025-11-25", "$(id)", "; touch x", "a b"],
        "environment": {"MODE": "quiet"},
        "secrets": {"WEATHER_KEY": "weather-api-key", "ABSENT": "absent-api-key"},
    }
    adapter = make_adapter(options, {"weather-api-key": "s3cr3t\n"}).until_ready()
    async with adapter.caller() as caller:
        answer = await caller.ask("tools/call", {"name": "environment"})
    found = json.loads(answer["result"]["content"][0]["text"])
    assert found["argv"] == ["2025-11-25", "$(id)", "; touch x", "a b"]
    environment = found["environment"]
    assert environment["MODE"] == "quiet"
    assert environment["WEATHER_KEY"] == "s3cr3t"
    allowed = {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "MODE", "WEATHER_KEY"}
    assert set(environment) - allowed == {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert KEY not in json.dumps(found)
    assert not (adapter.work / "x").exists()


async def test_a_client_of_an_older_revision_is_served_too(one: Adapter) -> None:
    async with one.client(mode="legacy") as client:
        result = await client.call_tool("echo", {"say": "hi"})
    assert result.content[0].text == "hi"

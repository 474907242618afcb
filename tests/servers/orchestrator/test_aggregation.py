"""What callers of both protocol eras see of several servers through one endpoint."""

import asyncio
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult, PromptReference

from .conftest import eventually

pytestmark = pytest.mark.anyio


def text(result: Any) -> str:
    return str(result.content[0].text)


async def test_all_servers_tools_are_listed_in_order(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names == sorted(names)
    assert {"red_echo", "blue_echo"} <= set(names)


async def test_a_call_reaches_the_server_that_owns_the_tool(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        for name, server in stack.servers.items():
            assert text(await client.call_tool(f"{name}_pid")) == str(server.process.pid)
        assert text(await client.call_tool("red_echo", {"text": "grüße ☃ \u2028"})) == "grüße ☃ \u2028"


async def test_the_client_talks_to_the_orchestrator_not_to_a_server(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        assert client.server_info.name == "orchestrator"


async def test_resources_templates_prompts_and_completions_are_merged(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        assert [str(r.uri) for r in (await client.list_resources()).resources] == [
            "blue://fixed",
            "red://fixed",
        ]
        templates = (await client.list_resource_templates()).resource_templates
        assert [t.uri_template for t in templates] == ["blue://things/{name}", "red://things/{name}"]
        assert [p.name for p in (await client.list_prompts()).prompts] == ["blue_prompt", "red_prompt"]
        assert (await client.read_resource("blue://fixed")).contents[0].text == "fixed of blue"
        assert (await client.read_resource("red://things/a%20b")).contents[0].text == "thing a b of red"
        prompt = await client.get_prompt("red_prompt", {"topic": "foxes"})
        assert prompt.messages[0].content.text == "Write about foxes"
        completion = await client.complete(
            PromptReference(type="ref/prompt", name="blue_prompt"), {"name": "topic", "value": "b"}
        )
        assert completion.completion.values == ["blue-one", "blue-two"]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda client: client.call_tool("nobody_knows"), "Unknown tool: nobody_knows"),
        (lambda client: client.get_prompt("nobody_knows"), "Unknown prompt: nobody_knows"),
        (lambda client: client.read_resource("nobody://x"), "Unknown resource: nobody://x"),
    ],
)
async def test_an_unknown_name_is_a_protocol_error(stack: Any, mode: str, what: Any, message: str) -> None:
    async with stack.client(mode) as client:
        with pytest.raises(MCPError) as caught:
            await what(client)
    legacy_resource = mode == "legacy" and "resource" in message
    assert (caught.value.code, caught.value.message) == (-32002 if legacy_resource else -32602, message)


async def test_progress_reaches_its_own_caller_only(stack: Any, mode: str) -> None:
    async def one(label: str) -> set[str | None]:
        heard: set[str | None] = set()
        steps: list[float] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            heard.add(message)
            steps.append(progress)

        async with stack.client(mode) as client:
            owner = "red" if int(label) % 2 else "blue"
            arguments = {"steps": 8, "label": label}
            result = await client.call_tool(f"{owner}_count", arguments, progress_callback=on_progress)
        assert text(result) == label
        assert steps == sorted(steps)
        assert len(steps) >= 7
        return heard

    heard = await asyncio.gather(*(one(str(number)) for number in range(12)))
    assert heard == [{str(number)} for number in range(12)]


async def test_a_caller_that_goes_away_cancels_the_call_at_the_server(stack: Any, mode: str) -> None:
    begun = asyncio.Event()

    async def on_progress(*_: Any) -> None:
        begun.set()

    async def call() -> None:
        async with stack.client(mode) as client:
            await client.call_tool("red_wait", {"label": f"in-{mode}"}, progress_callback=on_progress)

    task = asyncio.create_task(call())
    async with asyncio.timeout(10):
        await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        while f"cancelled in-{mode}" not in stack.servers["red"].log.read_text():
            await asyncio.sleep(0.02)


async def test_a_server_may_ask_the_person_behind_the_client(stack: Any) -> None:
    async def on_elicit(*_: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"colour": "green"})

    async with stack.client(elicitation_callback=on_elicit) as client:
        assert text(await client.call_tool("red_ask")) == "chose green"


async def test_a_client_that_cannot_be_asked_gets_an_error_not_a_guess(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        try:
            result = await client.call_tool("red_ask")
        except MCPError:
            return
    assert result.is_error


async def test_a_large_result_arrives_whole(stack: Any, mode: str) -> None:
    # On the older wire every answer is an event, the official client takes 1 MiB, and text goes twice.
    size = 6_000_000 if mode == "auto" else 450_000
    async with stack.client(mode) as client:
        assert len(text(await client.call_tool("red_big", {"size": size}))) == size


async def test_a_server_has_an_endpoint_of_its_own(stack: Any, mode: str) -> None:
    async with stack.client(mode, "/mcp/red") as client:
        assert all(tool.name.startswith("red_") for tool in (await client.list_tools()).tools)
        assert text(await client.call_tool("red_echo", {"text": "hi"})) == "hi"
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("blue_echo", {"text": "hi"})


async def test_the_callers_credentials_stay_and_its_trace_goes_on(stack: Any, mode: str) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = {
        "X-Correlation-ID": f"it.crosses-{mode}",
        "traceparent": trace,
        "X-Upstream-Key": "no",
        "Cookie": "no=1",
    }
    async with stack.client(mode, headers=sent) as client:
        seen = (await client.call_tool("red_headers")).structured_content
        meta = (await client.call_tool("red_meta")).structured_content
    red = stack.servers["red"]
    assert seen["authorization"] == f"Bearer {red.key}"
    assert seen["x-correlation-id"] == f"it.crosses-{mode}"
    assert seen["traceparent"] == trace
    assert "cookie" not in seen
    assert "x-upstream-key" not in seen
    assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    wanted = {
        "event": "request",
        "correlation_id": f"it.crosses-{mode}",
        "tool": "red_headers",
        "outcome": "ok",
    }
    for process in (stack.orchestrator, red):
        await eventually(
            lambda process=process: any(wanted.items() <= line.items() for line in process.lines())
        )
        assert red.key not in process.log.read_text()


async def test_a_meta_key_of_the_caller_reaches_the_server(stack: Any) -> None:
    async with stack.client() as client:
        seen = (
            await client.call_tool("red_meta", meta={"example.org/x": [1, {"y": None}]})
        ).structured_content
    assert seen["example.org/x"] == [1, {"y": None}]


async def test_every_one_of_many_callers_gets_its_own_answer(stack: Any) -> None:
    """Kept connections must not be reused before a reply was read to its end."""

    async def worker(number: int) -> int:
        async with stack.client() as client:
            for turn in range(40):
                said = f"{number}/{turn}/" + "y" * ((number * 7919 + turn * 104729) % 5000)
                assert text(await client.call_tool("red_echo", {"text": said})) == said
        return 40

    assert sum(await asyncio.gather(*(worker(number) for number in range(32)))) == 1280


async def test_a_resource_that_a_call_made_is_listed_at_once(stack: Any, mode: str) -> None:
    async with stack.client(mode) as client:
        await client.list_resources()
        await client.call_tool("blue_publish", {"name": mode})
        listed = await client.list_resources(cache_mode="refresh")
        assert f"blue://made/{mode}" in [str(resource.uri) for resource in listed.resources]

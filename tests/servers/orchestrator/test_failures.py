"""One server down, hanging, restarted or moved; names offered twice; and how fast all that is noticed."""

import asyncio
import signal
import time
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

CHECKS = ("blue", "red", "names", "routing", "definitions")
pytestmark = pytest.mark.anyio


def text(result: Any) -> str:
    return str(result.content[0].text)


async def succeeds_within(seconds: float, client: Any, tool: str) -> float:
    """Call until it succeeds; the time that took."""
    begun = time.monotonic()
    while True:
        try:
            assert not (await client.call_tool(tool)).is_error
            return time.monotonic() - begun
        except MCPError:
            assert time.monotonic() - begun < seconds
            await asyncio.sleep(0.02)


async def test_one_server_down_takes_only_its_own_calls_away(make_stack: Any, mode: str) -> None:
    stack = make_stack()
    red, _ = stack.add("red"), stack.add("blue")
    stack.up()
    async with stack.client(mode) as client:
        before = [tool.name for tool in (await client.list_tools()).tools]
        red.stop()
        begun = time.monotonic()
        with pytest.raises(MCPError, match="red") as caught:
            await client.call_tool("red_echo", {"text": "x"})
        assert caught.value.code == -32010
        assert time.monotonic() - begun < 2
        assert text(await client.call_tool("blue_echo", {"text": "still here"})) == "still here"
        assert [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools] == before


async def test_a_server_absent_from_the_start_takes_nothing_else_away(make_stack: Any, mode: str) -> None:
    stack = make_stack()
    red, _ = stack.add("red"), stack.add("blue")
    stack.up("red")
    async with stack.client(mode) as client:
        assert text(await client.call_tool("blue_echo", {"text": "hi"})) == "hi"
        assert all(tool.name.startswith("blue_") for tool in (await client.list_tools()).tools)
        with pytest.raises(MCPError, match="red") as caught:
            await client.call_tool("red_echo", {"text": "hi"})
        assert caught.value.code == -32010
        await asyncio.to_thread(red.start)
        assert await succeeds_within(2, client, "red_pid") < 2
        names = {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}
    assert {"red_echo", "blue_echo"} <= names


async def test_the_list_says_which_server_is_missing_and_is_not_to_be_cached(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    stack.add("blue")
    stack.up("red")
    async with stack.client() as client:
        result = await client.list_tools()
    assert result.meta["docgenctl/unavailable"] == ["red"]
    assert result.ttl_ms == 0


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
async def test_the_next_call_after_a_restart_succeeds_within_two_seconds(
    make_stack: Any, mode: str, sign: signal.Signals
) -> None:
    stack = make_stack()
    red = stack.add("red")
    stack.up()
    took: list[float] = []
    async with stack.client(mode) as client:
        for _ in range(3):
            assert text(await client.call_tool("red_pid")) == str(red.process.pid)
            await asyncio.to_thread(red.stop, sign)
            with pytest.raises(MCPError):
                await client.call_tool("red_pid")
            await asyncio.to_thread(red.start)
            took.append(await succeeds_within(2, client, "red_pid"))
            assert text(await client.call_tool("red_pid")) == str(red.process.pid)
    assert max(took) < 2, took


async def test_a_restart_that_nobody_noticed_costs_no_call(make_stack: Any) -> None:
    """Kept connections to the old process are found dead before they are used."""
    stack = make_stack()
    red = stack.add("red")
    stack.up()
    async with stack.client() as client:
        for _ in range(3):
            await asyncio.gather(*(client.call_tool("red_pid") for _ in range(8)))
            await asyncio.to_thread(red.stop)
            await asyncio.to_thread(red.start)
            await succeeds_within(2, client, "red_pid")
            pids = await asyncio.gather(*(client.call_tool("red_pid") for _ in range(8)))
            assert {text(pid) for pid in pids} == {str(red.process.pid)}


async def test_a_call_under_way_when_its_server_dies_fails_at_once_and_is_not_repeated(
    make_stack: Any, mode: str
) -> None:
    stack = make_stack()
    red = stack.add("red")
    stack.up()
    begun = asyncio.Event()

    async def on_progress(*_: Any) -> None:
        begun.set()

    async with stack.client(mode) as client:
        call = asyncio.create_task(
            client.call_tool("red_wait", {"label": "x"}, progress_callback=on_progress)
        )
        async with asyncio.timeout(10):
            await begun.wait()
        red.stop()
        with pytest.raises(MCPError, match="red is not available") as caught:
            async with asyncio.timeout(3):
                await call
        assert caught.value.code == -32010
        assert "may have got the request" in caught.value.message
        await asyncio.to_thread(red.start)
        await succeeds_within(2, client, "red_pid")
    assert sum(line.get("tool") == "red_wait" for line in red.lines()) == 0


async def test_a_hanging_server_fails_its_calls_at_their_deadline_and_delays_no_list(
    make_stack: Any, mode: str
) -> None:
    stack = make_stack()
    red, _ = stack.add("red", timeout_s=1.5), stack.add("blue")
    stack.up()
    async with stack.client(mode) as client:
        before = [tool.name for tool in (await client.list_tools()).tools]
        red.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(5.1)  # the lists have to become old before the server is asked again
            begun = time.monotonic()
            assert [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools] == before
            assert time.monotonic() - begun < 1.5
            begun = time.monotonic()
            with pytest.raises(MCPError, match=r"red did not answer within 1\.5 s") as caught:
                await client.call_tool("red_echo", {"text": "x"})
            assert caught.value.code == -32011
            assert time.monotonic() - begun < 3
            assert text(await client.call_tool("blue_echo", {"text": "y"})) == "y"
        finally:
            red.process.send_signal(signal.SIGCONT)
        assert await succeeds_within(2, client, "red_pid") < 2


async def test_a_name_offered_twice_is_served_by_neither_and_both_owners_are_named(
    make_stack: Any, mode: str
) -> None:
    stack = make_stack()
    stack.add("red", "shared")
    stack.add("blue", "shared")
    stack.up()
    async with stack.client(mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "shared" not in names
        assert "red_echo" in names
        with pytest.raises(MCPError, match="offered by blue and red"):
            await client.call_tool("shared")
    async with stack.client(mode, "/mcp/red") as client:
        assert text(await client.call_tool("shared")) == "red"
    with stack.http() as http:
        ready = http.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert "tool shared is offered by blue and red" in ready.json()["checks"]["names"]["detail"]
    told = [line for line in stack.orchestrator.lines() if line["event"].startswith("name collision")]
    assert told[0]["name"] == "tool shared"
    assert told[0]["owners"] == ["blue", "red"]


async def test_readiness_names_what_is_down_and_refuses_only_when_nothing_is_up(make_stack: Any) -> None:
    stack = make_stack()
    red, blue = stack.add("red"), stack.add("blue")
    stack.up()

    def ready(path: str = "/health/ready") -> tuple[int, Any]:
        time.sleep(1.05)  # readiness is remembered for a second
        answer = httpx2.get(f"http://127.0.0.1:{stack.orchestrator.port}{path}", trust_env=False)
        return answer.status_code, answer.json()

    assert ready() == (
        200,
        {"status": "ready", "checks": {n: {"ok": True} for n in CHECKS}},
    )
    red.stop()
    status, document = ready()
    assert (status, document["status"], document["checks"]["red"]["ok"]) == (200, "degraded", False)
    assert ready("/health/ready/red")[0] == 503
    assert ready("/health/ready/blue") == (200, {"status": "ready", "checks": {"blue": {"ok": True}}})
    blue.stop()
    assert ready()[0] == 503
    assert (
        httpx2.get(f"http://127.0.0.1:{stack.orchestrator.port}/health", trust_env=False).status_code == 200
    )


async def test_a_wrong_key_for_a_server_is_told_apart(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    (stack.orchestrator.folder / "secrets" / "upstream-red").write_text("dgk_wrong")
    stack.up()
    async with stack.client() as client:
        with pytest.raises(MCPError, match="refuses the orchestrator's key"):
            await client.call_tool("red_echo", {"text": "x"})
    assert "dgk_wrong" not in stack.orchestrator.log.read_text()


@pytest.mark.parametrize(
    ("routing", "message"),
    [
        ("servers: {}", "version must be 1"),
        ("{version: 1, servers: {a: {url: 'http://a:1/mcp', colour: red}}}", "servers/a: unknown colour"),
        ("{version: 1, servers: {a: {url: 'ftp://a'}}}", "servers/a/url"),
        ("{version: 1, servers: {a: {url: 'http://a:1/mcp', timeout_s: 0}}}", "servers/a/timeout_s"),
        ("{version: 1, servers: {}}", "at least one server"),
        ("{version: 1, version: 2}", "not YAML"),
        ("[", "not YAML"),
    ],
)
def test_wrong_routing_ends_with_one_line_and_status_78(make_stack: Any, routing: str, message: str) -> None:
    orchestrator = make_stack().orchestrator
    (orchestrator.folder / "config" / "routing.yaml").write_text(routing)
    orchestrator.start(wait=False)
    assert orchestrator.process.wait(15) == 78
    (line,) = orchestrator.lines()
    assert message in line["event"]


def test_a_missing_server_key_ends_the_start_on_an_open_bind(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    (stack.orchestrator.folder / "secrets" / "upstream-red").unlink()
    (stack.orchestrator.folder / "config" / "routing.yaml").write_text(
        "{version: 1, servers: {red: {url: 'http://red:8000/mcp'}}}"
    )
    stack.orchestrator.start(wait=False, DOCGEN_BIND="0.0.0.0")
    assert stack.orchestrator.process.wait(15) == 78
    assert "no key for the server red" in stack.orchestrator.lines()[0]["event"]

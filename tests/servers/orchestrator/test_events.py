"""What happens in the servers reaches listeners at `/events`, by SSE and by WebSocket."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .conftest import CLIENT_KEY, Stack

pytestmark = pytest.mark.anyio


class Listener:
    """One listener of either kind; `next()` gives the next event."""

    def __init__(self, messages: AsyncIterator[str]) -> None:
        self._messages = messages

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            event: dict[str, Any] = json.loads(await anext(self._messages))
        return event

    async def taken(self, count: int) -> list[str]:
        return [(await self.next())["data"]["path"] for _ in range(count)]


@asynccontextmanager
async def by_sse(stack: Stack, after: str | None = None, key: str = CLIENT_KEY) -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": after} if after else {})}
    url = f"http://127.0.0.1:{stack.orchestrator.port}/events"
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=20) as http,
        http.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")

        async def data() -> AsyncIterator[str]:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield line.removeprefix("data: ")

        yield Listener(data())


@asynccontextmanager
async def by_websocket(
    stack: Stack, after: str | None = None, key: str = CLIENT_KEY, **headers: str
) -> AsyncIterator[Listener]:
    url = f"ws://127.0.0.1:{stack.orchestrator.port}/events{f'?after={after}' if after else ''}"
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with connect(url, additional_headers=sent, proxy=None) as socket:
        yield Listener(_texts(socket))


async def _texts(socket: ClientConnection) -> AsyncIterator[str]:
    async for message in socket:
        assert isinstance(message, str)
        yield message


@pytest.fixture(params=[by_sse, by_websocket], ids=["sse", "websocket"])
def listen(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def one(make_stack: Any) -> Stack:
    stack = make_stack()
    stack.add("red")
    return stack.up()


async def happen(stack: Stack, *labels: str, server: str = "red", owner: str | None = None) -> None:
    async with stack.client() as client:
        for label in labels:
            await client.call_tool(f"{server}_happen", {"label": label, "owner": owner})


async def test_a_listener_is_told_when_it_listens_and_then_what_happens(stack: Stack, listen: Any) -> None:
    async with listen(stack) as listener:
        assert (await listener.next())["type"] == "events.ready"
        await happen(stack, "a", server="red")
        await happen(stack, "b", server="blue")
        first, second = await listener.next(), await listener.next()
        assert first["data"] == {"server": "red", "path": "a"}
        assert (second["type"], second["data"]["server"]) == ("file.written", "blue")
        assert abs(first["time"] - time.time()) < 30
        assert first["id"] != second["id"]


async def test_a_listener_that_comes_back_gets_what_it_missed_once(one: Stack, listen: Any) -> None:
    async with listen(one) as listener:
        await listener.next()
        await happen(one, "a")
        seen = await listener.next()
    await happen(one, "b", "c")
    async with listen(one, after=seen["id"]) as listener:
        assert (await listener.next())["type"] == "events.ready"
        await happen(one, "d")
        assert await listener.taken(3) == ["b", "c", "d"]


async def test_a_listener_that_comes_back_too_late_is_told(one: Stack, listen: Any) -> None:
    async with listen(one) as listener:
        begun = (await listener.next())["id"]
    await happen(one, *"abcdefgh")  # the server keeps five
    async with listen(one, after=begun) as listener:
        assert (await listener.next())["type"] == "events.missed"
        assert await listener.taken(5) == ["d", "e", "f", "g", "h"]
    async with listen(one, after="nonsense") as listener:
        assert (await listener.next())["type"] == "events.missed"


async def test_a_listener_outlives_a_restart_of_the_server_and_is_told_of_it(one: Stack, listen: Any) -> None:
    async with listen(one) as listener:
        await listener.next()
        await happen(one, "a")
        await listener.taken(1)
        one.servers["red"].stop()
        one.servers["red"].start()
        assert (await listener.next())["type"] == "events.missed"
        await happen(one, "b")
        assert await listener.taken(1) == ["b"]


async def test_what_happens_on_behalf_of_another_caller_is_not_told(one: Stack, listen: Any) -> None:
    async with listen(one) as listener:
        await listener.next()
        await happen(one, "theirs", owner="somebody")
        await happen(one, "mine", owner="default")
        assert await listener.taken(1) == ["mine"]


async def test_without_a_key_or_from_a_foreign_page_nobody_listens(stack: Stack) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{stack.orchestrator.port}", trust_env=False) as http:
        assert http.get("/events").status_code == 401
        assert http.get(f"/events?key={CLIENT_KEY}").status_code == 401
        foreign = {"Authorization": f"Bearer {CLIENT_KEY}", "Origin": "https://evil.example"}
        assert http.get("/events", headers=foreign).status_code == 403
        assert http.post("/events", headers=foreign | {"Origin": ""}).status_code in (403, 405)
    with pytest.raises(InvalidStatus) as refused:
        async with by_websocket(stack, key="wrong"):
            pass
    assert refused.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        async with by_websocket(stack, Origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_open_streams_do_not_hold_up_the_end_of_the_orchestrator(one: Stack) -> None:
    async with by_sse(one) as listener, by_websocket(one) as other:
        await listener.next()
        await other.next()
        begun = time.monotonic()
        assert await asyncio.to_thread(one.orchestrator.stop, signal.SIGTERM) == 0
        assert time.monotonic() - begun < 5
        with pytest.raises((StopAsyncIteration, httpx2.TransportError, ConnectionClosed)):
            await listener.next()

"""What the orchestrator believes of a server, without a server."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from docgen_orchestrator.backend import Backend, DeadlineError
from docgen_orchestrator.routing import Route
from docgen_orchestrator.upstream import Call, OnNote, RpcError, UnavailableError

pytestmark = pytest.mark.anyio

ROUTE = Route(
    name="main",
    url="http://main:8000/mcp",
    ready_url="http://main:8000/health/ready",
    key_secret="upstream-main",
    tool_prefixes=("files_",),
    resource_schemes=(),
    timeout_s=5,
)


class Booting:
    """An upstream that refuses connections until it listens, and then answers every call with its name."""

    def __init__(self) -> None:
        self.listens = False

    async def request(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        await self.verify()
        if call.method != "tools/call":
            raise RpcError(-32601, "no such method")
        return {"name": call.name}

    async def get(self, url: str) -> tuple[int, bytes]:
        await self.verify()
        return 200, b"{}"

    async def verify(self) -> None:
        if not self.listens:
            raise UnavailableError("connection refused", sent=False)

    def close(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ignore(method: str, params: Mapping[str, Any]) -> None:
    """Notes that nobody reads."""


async def test_a_server_that_is_told_to_be_ready_can_be_called_at_once() -> None:
    upstream = Booting()
    backend = Backend(ROUTE, upstream)
    await backend._look()
    assert backend.down == "connection refused"
    with pytest.raises(UnavailableError):
        await backend.get_ready()

    upstream.listens = True
    assert await backend.get_ready() == (200, b"{}")
    call = Call(method="tools/call", params={}, name="files_list")
    assert await backend.call(call, ignore) == {"name": "files_list"}


class Moody:
    """An upstream in one of four moods: it answers, hangs, answers garbage, or answers probes only."""

    def __init__(self) -> None:
        self.mood = "well"
        self.calls = 0

    async def request(self, call: Call, on_note: OnNote) -> dict[str, Any]:
        if call.method == "tools/call":
            self.calls += 1
        if self.mood == "hung":
            await asyncio.sleep(3600)
        if self.mood == "garbage" or (self.mood == "probes only" and call.method == "tools/call"):
            raise UnavailableError("the reply is not JSON", sent=True)
        if call.method not in ("tools/call", "server/discover"):
            raise RpcError(-32601, "no such method")
        return {}

    async def get(self, url: str) -> tuple[int, bytes]:
        return 200, b"{}"

    async def verify(self) -> None:
        """The port is open in every mood."""

    def close(self) -> None:
        """Nothing is kept."""


CALL = Call(method="tools/call", params={}, name="files_list")


async def failing(backend: Backend, times: int) -> None:
    for _ in range(times):
        with pytest.raises(UnavailableError):
            await backend.call(CALL, ignore)


async def test_a_server_that_answers_garbage_is_left_alone_after_five_calls_and_tried_by_probes() -> None:
    upstream = Moody()
    backend = Backend(ROUTE, upstream)
    await backend._look()
    upstream.mood = "garbage"
    await failing(backend, 8)
    assert (upstream.calls, backend.down) == (5, "the reply is not JSON")

    await backend._look()
    assert backend.down == "the reply is not JSON"
    upstream.mood = "well"
    backend.breaker._probe_at = 0.0
    await backend._look()
    assert backend.down is None
    await backend.call(CALL, ignore)


async def test_calls_that_wait_for_a_server_that_hangs_have_it_found_out() -> None:
    now = 0.0
    upstream = Moody()
    backend = Backend(ROUTE, upstream, clock=lambda: now)
    await backend._look()
    upstream.mood = "hung"
    waiting = asyncio.create_task(backend.call(CALL, ignore))
    await asyncio.sleep(0)
    await backend._look()
    assert backend.down is None, "a call that has waited for a moment is no reason to ask"

    now = 2.5
    await backend._look()
    assert backend.down == "it takes connections and does not answer"
    with pytest.raises(UnavailableError):
        await backend.call(CALL, ignore)
    waiting.cancel()


async def test_a_long_silent_call_does_not_make_a_server_down_that_answers_others() -> None:
    now = 0.0
    upstream = Moody()
    backend = Backend(ROUTE, upstream, clock=lambda: now)
    await backend._look()
    upstream.mood = "hung"
    waiting = asyncio.create_task(backend.call(CALL, ignore))
    await asyncio.sleep(0)
    upstream.mood = "well"
    now = 600.0
    await backend._look()
    assert backend.down is None
    waiting.cancel()


async def test_a_server_that_answers_probes_but_no_calls_is_tried_less_and_less_often() -> None:
    now = 0.0
    upstream = Moody()
    backend = Backend(ROUTE, upstream, clock=lambda: now)
    await backend._look()
    upstream.mood = "probes only"
    await failing(backend, 5)
    tried = []
    for step in range(600):
        now = step / 20
        await backend._look()
        if backend.down is None:
            before = upstream.calls
            await failing(backend, 3)
            assert upstream.calls == before + 1
            tried.append(now)
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert len(tried) < 15
    assert pauses[-1] > pauses[0]


async def test_calls_that_take_too_long_do_not_take_a_server_away() -> None:
    upstream = Moody()
    backend = Backend(replace(ROUTE, timeout_s=0.01), upstream)
    await backend._look()
    upstream.mood = "hung"
    for _ in range(20):
        with pytest.raises(DeadlineError):
            await backend.call(CALL, ignore)
    upstream.mood = "well"
    assert backend.down is None
    await backend.call(CALL, ignore)

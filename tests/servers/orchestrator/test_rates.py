"""Rates of keys and tools at the orchestrator's door, in both protocol eras."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack, key_entry, write_keys
from tests.servers.wire import headers, message

pytestmark = pytest.mark.anyio

RATE_LIMITED = -32013


def raw(name: str) -> str:
    return f"dgk_{name}-key-of-these-tests"


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """A stack whose keys are replaced at will: each test takes names of its own, and so fresh buckets."""
    stack = Stack(tmp_path_factory.mktemp("rated"))
    stack.add("red")
    stack.up()

    def with_keys(**keys: dict[str, Any]) -> Stack:
        others = [key_entry(raw(name), name, **more) for name, more in keys.items()]
        write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *others)
        time.sleep(0.5)
        return stack

    try:
        yield with_keys
    finally:
        stack.close()


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw(name)}"}


async def statuses(
    stack: Stack, key: str, count: int, *, tool: str = "red_echo", callers: int = 25, **more: str
) -> list[httpx2.Response]:
    """``count`` calls by ``callers`` at once."""
    base = stack.orchestrator.url.removesuffix("/mcp")
    limits = httpx2.Limits(max_connections=callers)
    async with httpx2.AsyncClient(
        base_url=base, headers=bearer(key), trust_env=False, limits=limits, timeout=60
    ) as http:

        async def call(number: int) -> httpx2.Response:
            request = message("tools/call", {"name": tool, "arguments": {"text": "hi"}})
            sent = {name: value.format(number) for name, value in more.items()}
            return await http.post("/mcp", json=request, headers=headers(request, **sent))

        return await asyncio.gather(*(call(number) for number in range(count)))


def earned(begun: float, per_s: float) -> int:
    return int((time.monotonic() - begun) * per_s) + 1


async def test_ten_times_the_limit_in_a_burst_gets_the_limit_through_and_429_for_the_rest(rated: Any) -> None:
    stack = rated(burst={"rate": "30/m"})
    begun = time.monotonic()
    answers = await statuses(stack, "burst", 300)
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {200, 429}
    assert 30 <= counted[200] <= 30 + earned(begun, 0.5)
    refused = [answer for answer in answers if answer.status_code == 429]
    for answer in refused:
        assert 1 <= int(answer.headers["retry-after"]) <= 2
        assert answer.headers["ratelimit"].startswith('"key";r=0;t=')
        assert answer.headers["ratelimit-policy"] == '"key";q=30;w=60'
        error = answer.json()["error"]
        assert error["code"] == RATE_LIMITED
        assert error["data"]["code"] == "rate_limited"
        assert 0 < error["data"]["retryAfterSeconds"] <= 2
    left = {answer.headers["ratelimit"].split(";")[1] for answer in answers if answer.status_code == 200}
    assert len(left) >= 29, "each accepted call took a token of its own"


async def test_whoever_waits_as_told_is_let_in(rated: Any) -> None:
    stack = rated(patient={"rate": "2/s"})
    answers = await statuses(stack, "patient", 4)
    refused = next(answer for answer in answers if answer.status_code == 429)
    await asyncio.sleep(refused.json()["error"]["data"]["retryAfterSeconds"] + 0.05)
    (answer,) = await statuses(stack, "patient", 1)
    assert answer.status_code == 200


async def test_no_header_that_a_caller_can_choose_changes_the_limit(rated: Any) -> None:
    stack = rated(rotating={"rate": "10/m"})
    begun = time.monotonic()
    answers = await statuses(
        stack,
        "rotating",
        100,
        **{
            "X-Forwarded-For": "10.0.0.{}",
            "Forwarded": "for=10.0.0.{}",
            "X-Real-IP": "10.0.0.{}",
            "X-Docgen-Caller": "caller-{}",
            "Mcp-Session-Id": "session-{}",
            "User-Agent": "agent-{}",
        },
    )
    accepted = sum(answer.status_code == 200 for answer in answers)
    assert 10 <= accepted <= 10 + earned(begun, 1 / 6)


async def test_a_noisy_key_hurts_no_other(rated: Any) -> None:
    stack = rated(noisy={"rate": "5/s"}, quiet={"rate": "60/m"})

    async def quiet() -> list[int]:
        found = []
        for _ in range(20):
            found += [answer.status_code for answer in await statuses(stack, "quiet", 1)]
        return found

    noise, calm = await asyncio.gather(statuses(stack, "noisy", 400), quiet())
    assert Counter(answer.status_code for answer in noise)[429] > 300
    assert calm == [200] * 20


async def test_a_key_without_a_rate_has_none_and_is_told_of_none(rated: Any) -> None:
    stack = rated(free={})
    answers = await statuses(stack, "free", 60)
    assert {answer.status_code for answer in answers} == {200}
    assert not any("ratelimit" in answer.headers for answer in answers)


async def test_every_request_with_the_key_counts_and_health_is_free(rated: Any) -> None:
    stack = rated(doors={"rate": "3/m"})
    base = stack.orchestrator.url.removesuffix("/mcp")
    with httpx2.Client(base_url=base, headers=bearer("doors"), trust_env=False) as http:
        for _ in range(10):
            assert http.get("/health").status_code == 200
            assert "ratelimit" not in http.get("/health/ready").headers
        assert http.get("/metrics").status_code == 200
        assert http.get("/nowhere").status_code == 404
        assert http.get("/metrics").headers["ratelimit"].startswith('"key";r=0')
        refused = http.get("/metrics")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limited"
        assert http.get("/events").status_code == 429
        assert http.post("/mcp", content=b"x" * 1000).status_code == 429, "before the body is looked at"
        assert http.get("/health").status_code == 200


async def test_a_wrong_key_is_401_whatever_was_used_up(rated: Any) -> None:
    stack = rated(spent={"rate": "1/m"})
    assert [answer.status_code for answer in await statuses(stack, "spent", 2, callers=1)] == [200, 429]
    assert (await statuses(stack, "unknown", 1))[0].status_code == 401


async def test_older_clients_have_the_same_rate_of_their_key(rated: Any) -> None:
    stack = rated(older={"rate": "10/m"})
    async with stack.client("legacy", headers=bearer("older")) as client:
        answers: list[Any] = []
        for _ in range(15):
            answers += await asyncio.gather(
                client.call_tool("red_echo", {"text": "hi"}), return_exceptions=True
            )
    errors = [answer.error.code for answer in answers if isinstance(answer, MCPError)]
    assert 5 <= len(errors) <= 10
    assert set(errors) == {RATE_LIMITED}


async def test_a_tool_may_have_a_rate_of_its_own(rated: Any, mode: str) -> None:
    stack = rated(**{f"tools-{mode}": {"tool_rates": {"red_e*": "4/m"}}})
    async with stack.client(mode, headers=bearer(f"tools-{mode}")) as client:
        for _ in range(4):
            await client.call_tool("red_echo", {"text": "hi"})
        with pytest.raises(MCPError, match="the rate of this tool is 4/m") as error:
            await client.call_tool("red_echo", {"text": "hi"})
        assert error.value.error.code == RATE_LIMITED
        assert error.value.error.data["retryAfterSeconds"] > 1
        for _ in range(6):
            await client.call_tool("red_pid")


async def test_the_rate_of_a_tool_is_answered_429_where_the_header_names_it(rated: Any) -> None:
    stack = rated(named={"tool_rates": {"red_echo": "2/m"}, "rate": "100/m"})
    answers = await statuses(stack, "named", 5, callers=1)
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    assert answers[-1].headers["ratelimit-policy"] == '"tool";q=2;w=60'
    assert int(answers[-1].headers["retry-after"]) > 25
    (other,) = await statuses(stack, "named", 1, tool="red_pid")
    assert other.headers["ratelimit"].startswith('"key";r=97'), "what was refused cost the key nothing"


async def test_older_clients_get_429_for_a_tools_rate_and_403_for_a_missing_scope(rated: Any) -> None:
    scopes = ["*/red_echo", "red:read"]
    stack = rated(strict={"tool_rates": {"red_echo": "2/m"}, "scopes": scopes, "rate": "100/m"})
    base = stack.orchestrator.url.removesuffix("/mcp")
    legacy = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}
    with httpx2.Client(base_url=base, headers=bearer("strict") | legacy, trust_env=False) as http:

        def call(tool: str, number: int) -> httpx2.Response:
            params = {"name": tool, "arguments": {"text": "hi", "name": "made-by-an-older-client"}}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            return http.post("/mcp", json=body)

        answers = [call("red_echo", number) for number in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert '"tool";q=2;w=60' in answers[-1].headers["ratelimit-policy"].split(", ")
        assert int(answers[-1].headers["retry-after"]) > 25
        assert (answers[-1].json()["id"], answers[-1].json()["error"]["code"]) == (3, RATE_LIMITED)
        denied = call("red_publish", 9)
        assert (denied.status_code, denied.json()["id"], denied.json()["error"]["code"]) == (403, 9, -32014)
        listed = http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "resources/list"})
        assert "made-by-an-older-client" not in listed.text


async def test_names_of_tools_that_are_not_there_make_no_buckets(rated: Any) -> None:
    stack = rated(inventive={"tool_rates": {"*": "1/h"}})
    for number in range(3):
        for answer in await statuses(stack, "inventive", 2, tool=f"red_made_up_{number}"):
            assert answer.status_code != 429

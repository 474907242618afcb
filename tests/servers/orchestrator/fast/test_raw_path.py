"""The raw path answers plain calls and lists without the application, and says what the application says."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from docgen_orchestrator.fast.request import MOST_BODY_BYTES
from mcp_types import LOG_LEVEL_META_KEY

from tests.servers.orchestrator.conftest import CLIENT_KEY, eventually
from tests.servers.orchestrator.fast.conftest import META, Here, headers_for, message

pytestmark = pytest.mark.anyio
HANDED_OVER = {"Accept": "application/json;q=1, text/event-stream;q=1"}
"""Means the same, in a form that the raw path leaves to the application."""


def said(answer: httpx2.Response) -> dict[str, Any]:
    """The last message of an answer, be it JSON or events."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        return dict(json.loads(data[-1]))
    return dict(answer.json())


async def both(here: Here, name: str, arguments: dict[str, Any], **more: Any) -> tuple[Any, Any]:
    """What the raw path and the application say to the same call; proves which of them spoke."""
    raw = await here.call(name, arguments, **more)
    assert here.raw(), "the application was asked"
    whole = await here.call(name, arguments, headers=HANDED_OVER, **more)
    assert not here.raw(), "the application was not asked"
    assert raw.status_code == whole.status_code
    return said(raw), said(whole)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("red_echo", {"text": "plain"}),
        ("blue_echo", {"text": 'quotes " and \\ and \u2028, emoji 🙂 and \x01'}),
        ("red_big", {"size": 300_000}),
        ("red_count", {"steps": 3, "label": "x"}),
        ("red_echo", {"wrong": 1}),
    ],
)
async def test_it_says_what_the_application_says(here: Here, name: str, arguments: dict[str, Any]) -> None:
    raw, whole = await both(here, name, arguments)
    assert raw == whole


@pytest.mark.parametrize("id_", [1, 0, -7, 2**53, "a", "1", "ü", 'quoted "id"', ""])
async def test_the_callers_id_comes_back_as_it_was(here: Here, id_: Any) -> None:
    raw, whole = await both(here, "red_echo", {"text": "x"}, id=id_)
    assert raw["id"] == whole["id"] == id_
    assert type(raw["id"]) is type(id_)


async def test_lists_are_the_same_too(here: Here) -> None:
    body = {"jsonrpc": "2.0", "id": "list", "method": "tools/list", "params": {"_meta": META}}
    raw = await here.post(body)
    assert here.raw()
    whole = await here.post(body, HANDED_OVER)
    assert not here.raw()
    assert raw.json() == whole.json()
    assert len(raw.json()["result"]["tools"]) > 10


@pytest.mark.parametrize(
    "headers",
    [
        {"Mcp-Name": "blue_echo"},
        {"Mcp-Method": "tools/list"},
        {"MCP-Protocol-Version": "2025-11-25"},
        {"MCP-Protocol-Version": "2031-01-01"},
        {"Authorization": "Bearer dgk_wrong"},
        {"Authorization": "Basic eDp5"},
        {"X-API-Key": "dgk_wrong"},
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Content-Type": "text/plain"},
        {"Accept": "application/json"},
        {"Mcp-Param-Text": "x"},
    ],
)
async def test_whatever_is_odd_about_a_head_is_for_the_application(
    here: Here, headers: dict[str, str]
) -> None:
    await here.call("red_echo", {"text": "x"}, headers=headers)
    assert not here.raw()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": 1.5},
        {"jsonrpc": "1.0"},
        {"method": "tools/list"},
        {"extra": 1},
        {"params": {"name": "blue_echo", "arguments": {}, "_meta": META}},
        {"params": {"name": "red_echo", "arguments": [], "_meta": META}},
        {"params": {"name": "red_echo", "arguments": {}}},
        {"params": {"name": "red_echo", "arguments": {}, "_meta": {}}},
        {"params": {"name": "red_echo", "arguments": {}, "_meta": META, "task": {}}},
        {"params": {"name": "red_echo", "arguments": {}, "_meta": {**META, "progressToken": 1.5}}},
        {"params": {"name": "red_echo", "arguments": {}, "_meta": {**META, LOG_LEVEL_META_KEY: "info"}}},
    ],
)
async def test_whatever_is_odd_about_a_body_is_for_the_application(
    here: Here, changes: dict[str, Any]
) -> None:
    plain = message("red_echo", {"text": "x"})
    await here.http.post("/mcp", json={**plain, **changes}, headers=headers_for(plain))
    assert not here.raw()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"red_echo","arguments":{"text":NaN}}}',
        b'{"a":' * 100_000,
        json.dumps(message("red_echo", {"text": "x"})).encode().replace(b'"x"', b'"\xff"'),
    ],
)
async def test_what_is_no_message_is_for_the_application_too(here: Here, body: bytes) -> None:
    headers = {**headers_for(message("red_echo", {})), "Content-Type": "application/json"}
    answer = await here.http.post("/mcp", content=body, headers=headers)
    assert not here.raw()
    assert answer.status_code == 400


async def test_a_header_twice_and_an_unknown_tool_are_for_the_application(here: Here) -> None:
    body = message("red_echo", {"text": "x"})
    twice = [*headers_for(body).items(), ("Mcp-Name", "red_echo")]
    answer = await here.http.post("/mcp", json=body, headers=twice)
    assert not here.raw()
    assert answer.json()["error"]["code"] == -32020
    answer = await here.call("red_nothing", {})
    assert not here.raw()
    assert answer.json()["error"]["code"] == -32602


async def test_a_body_that_comes_late_is_answered_all_the_same(here: Here) -> None:
    body = json.dumps(message("red_echo", {"text": "slow"})).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    head = {**headers_for(message("red_echo", {})), "Host": "127.0.0.1", "Content-Type": "application/json"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST /mcp HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body[:40])
    await asyncio.sleep(1.3)  # longer than a body is held
    writer.write(body[40:])
    status = await asyncio.wait_for(reader.readline(), 10)
    assert b"200" in status
    assert not here.raw()
    writer.close()


async def test_a_body_too_large_to_hold_is_handed_over_whole(here: Here) -> None:
    text = "x" * (MOST_BODY_BYTES + 1)
    answer = await here.call("red_echo", {"text": text})
    assert not here.raw()
    assert said(answer)["result"]["content"][0]["text"] == text


async def test_requests_that_come_at_once_are_answered_in_their_order(here: Here) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    for number in range(3):
        body = json.dumps(message("red_echo", {"text": f"t{number}"}, id=number)).encode()
        head = {**headers_for(message("red_echo", {})), "Host": "127.0.0.1"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(
            f"POST /mcp HTTP/1.1\r\n{lines}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    got = b""
    async with asyncio.timeout(10):
        while not all(f'"t{number}"'.encode() in got for number in range(3)):
            got += await reader.read(65536)
    places = [got.index(f'"t{number}"'.encode()) for number in range(3)]
    assert places == sorted(places)
    writer.close()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(here: Here) -> None:
    here.config.timeout_keep_alive = 1
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    params = {"name": "red_count", "arguments": {"steps": 200, "label": "x"}, "_meta": META}
    body = json.dumps(message("red_count", {}, params=params)).encode()
    head = {**headers_for(message("red_count", {})), "Host": "127.0.0.1", "Content-Type": "application/json"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    request = f"POST /mcp HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
    async with asyncio.timeout(30):
        for _ in range(2):  # each takes longer than the connection may be idle
            writer.write(request)
            answer = b""
            while b'"resultType"' not in answer:
                part = await reader.read(65536)
                assert part, "closed while a call was under way"
                answer += part
        assert await reader.read() == b""
    writer.close()


async def test_progress_carries_the_callers_own_token_and_never_ours(here: Here) -> None:
    params = {
        "name": "red_count",
        "arguments": {"steps": 5, "label": "hello"},
        "_meta": {**META, "progressToken": "mine"},
    }
    answer = await here.call("red_count", {}, params=params)
    assert here.raw()
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [event["params"]["progress"] for event in events[:-1]] == [1, 2, 3, 4, 5]
    assert {event["params"]["progressToken"] for event in events[:-1]} == {"mine"}
    assert "docgen-raw" not in answer.text
    assert events[-1]["id"] == 1


async def test_a_caller_who_goes_away_cancels_the_call_at_its_server(here: Here) -> None:
    log = here.servers.servers["red"].log
    call = asyncio.create_task(here.call("red_wait", {"label": "raw-gone"}))
    await asyncio.sleep(0.3)
    assert here.raw()
    call.cancel()
    await eventually(lambda: "cancelled raw-gone" in log.read_text(), 5)


async def test_a_call_that_runs_when_its_key_is_revoked_is_broken_off_within_a_second(here: Here) -> None:
    log = here.servers.servers["red"].log
    call = asyncio.create_task(here.call("red_wait", {"label": "raw-revoked"}))
    await asyncio.sleep(0.8)
    assert here.raw()
    assert not call.done()
    here.write_key(sha256="0" * 64)
    async with asyncio.timeout(1.5):
        with pytest.raises(httpx2.RemoteProtocolError):
            await call
    await eventually(lambda: "cancelled raw-revoked" in log.read_text(), 5)


async def test_correlation_and_trace_go_along_and_the_key_does_not(here: Here) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = await here.call("red_headers", {}, headers={"X-Correlation-ID": "corr-1", "traceparent": trace})
    assert here.raw()
    assert answer.headers["x-correlation-id"] == "corr-1"
    seen = answer.json()["result"]["structuredContent"]
    seen = seen.get("result", seen)
    assert seen["x-correlation-id"] == "corr-1"
    assert seen["traceparent"] == trace
    assert seen["x-docgen-caller"] == "default"
    assert CLIENT_KEY not in json.dumps(seen)


async def test_a_key_without_the_scope_gets_the_applications_refusal(here: Here) -> None:
    here.write_key(scopes=["blue"])
    await asyncio.sleep(0.5)
    answer = await here.call("red_echo", {"text": "x"})
    assert not here.raw()
    assert answer.status_code == 403
    answer = await here.call("blue_echo", {"text": "x"})
    assert here.raw()
    assert answer.status_code == 200
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    tools = (await here.post(body)).json()["result"]["tools"]
    assert here.raw()
    assert {tool["name"].partition("_")[0] for tool in tools} == {"blue"}


async def test_rates_are_counted_once_whichever_path_is_taken(here: Here) -> None:
    here.write_key(rate="6/h")
    await asyncio.sleep(0.5)
    took = []
    for number in range(8):
        headers = HANDED_OVER if number % 2 else {}
        answer = await here.call("red_echo", {"text": "x"}, headers=headers)
        took.append((answer.status_code, answer.headers["ratelimit"].partition("r=")[2].partition(";")[0]))
    assert took == [(200, str(left)) for left in (5, 4, 3, 2, 1, 0)] + [(429, "0")] * 2
    refused = await here.call("red_echo", {"text": "x"})
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["error"]["data"]["code"] == "rate_limited"


async def test_each_call_is_one_line_in_the_log_and_one_in_the_metrics(here: Here) -> None:
    written: list[bytes] = []
    telling = here.app.state.http_protocol.shared.telling
    telling._write, telling.logs = written.append, True
    await here.call("red_echo", {"text": "x"}, headers={"X-Correlation-ID": "one-line"})
    await eventually(lambda: b"one-line" in b"".join(written))
    lines = [json.loads(text) for text in b"".join(written).splitlines()]
    (line,) = [line for line in lines if line["correlation_id"] == "one-line"]
    assert line["event"] == "request"
    assert {
        name: line[name] for name in ("path", "status", "tool", "outcome", "key_id", "correlation_id")
    } == {
        "path": "/mcp",
        "status": 200,
        "tool": "red_echo",
        "outcome": "ok",
        "key_id": "default",
        "correlation_id": "one-line",
    }
    metrics = (await here.http.get("/metrics", headers={"Authorization": f"Bearer {CLIENT_KEY}"})).text
    assert 'docgen_tool_calls_total{outcome="ok",tool="red_echo"} 1.0' in metrics

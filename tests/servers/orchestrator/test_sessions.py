"""Sessions of clients of older protocol eras, with `legacy_sessions` on: what is pushed, asked and ended."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp.client.context import ClientRequestContext
from mcp_types import (
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ResourceListChangedNotification,
    ResourceUpdatedNotification,
    TextContent,
)

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack, key_entry, write_keys

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

OTHER_KEY = "dgk_other-key-of-these-tests-0000000000000000000"
LEGACY = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}


def keep_sessions(stack: Stack, *more: dict[str, Any]) -> None:
    options = {"options": {"legacy_sessions": True}}
    (stack.orchestrator.folder / "config/server.json").write_text(json.dumps(options))
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *more)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Red and blue, behind an orchestrator that keeps sessions and knows three keys."""
    shared = Stack(tmp_path_factory.mktemp("sessions"))
    shared.add("red")
    shared.add("blue")
    narrow = key_entry("dgk_narrow", "narrow", scopes=["red"])
    keep_sessions(shared, key_entry(OTHER_KEY, "other"), narrow)
    try:
        yield shared.up()
    finally:
        shared.close()


def post(http: httpx2.Client, message: dict[str, Any], session: str | None = None) -> httpx2.Response:
    headers = {**LEGACY, **({"Mcp-Session-Id": session} if session else {})}
    return http.post("/mcp", json={"jsonrpc": "2.0", **message}, headers=headers)


def opened(http: httpx2.Client, version: str = "2025-11-25") -> str:
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    answer = post(http, {"id": 0, "method": "initialize", "params": params})
    session = answer.headers["mcp-session-id"]
    assert post(http, {"method": "notifications/initialized"}, session).status_code == 202
    return session


def call(tool: str, number: int = 1, **arguments: Any) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def data(answer: httpx2.Response) -> dict[str, Any]:
    (line,) = (line for line in answer.text.splitlines() if line.startswith("data:"))
    message: dict[str, Any] = json.loads(line[5:])
    return message


async def test_a_changed_list_is_told_on_the_sessions_stream(kept: Stack) -> None:
    told: list[Any] = []

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceListChangedNotification):
            told.append(message)

    async with kept.client("legacy", message_handler=hear) as client, kept.client() as other:
        capabilities = client.server_capabilities
        assert capabilities.tools.list_changed
        assert capabilities.prompts.list_changed
        assert capabilities.resources.list_changed
        assert capabilities.resources.subscribe
        number = 0
        async with asyncio.timeout(20):
            # The client opens its stream by itself, and does not say when it is open.
            while not told:
                number += 1
                await other.call_tool("red_publish", {"name": f"pushed-{number}"})
                await asyncio.sleep(0.1)
        listed = {resource.name for resource in (await client.list_resources()).resources}
        assert f"pushed-{number}" in listed


async def test_updates_come_for_the_resources_that_the_session_watches(kept: Stack) -> None:
    told: list[str] = []

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.append(str(message.params.uri))

    async with kept.client("legacy", message_handler=hear) as client, kept.client() as other:
        for uri in ("red://fixed", "blue://fixed"):
            await client.session.subscribe_resource(uri)
        await client.session.unsubscribe_resource("blue://fixed")
        async with asyncio.timeout(20):
            while len(told) < 3:
                await other.call_tool("blue_touch", {"uri": "blue://fixed"})
                await other.call_tool("red_touch", {"uri": "red://things/1"})
                await other.call_tool("red_touch", {"uri": "red://fixed"})
        assert set(told) == {"red://fixed"}


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_what_is_not_there_or_not_given_cannot_be_watched(kept: Stack, version: str) -> None:
    with kept.http(Authorization="Bearer dgk_narrow") as http:
        session = opened(http, version)
        for uri, code in (("red://fixed", None), ("blue://fixed", -32002), ("none://x", -32002)):
            asked = {"id": 1, "method": "resources/subscribe", "params": {"uri": uri}}
            error = data(post(http, asked, session)).get("error", {})
            assert error.get("code") == code, uri
        for number in range(101):
            asked = {"id": 1, "method": "resources/subscribe", "params": {"uri": f"red://things/{number}"}}
            last = data(post(http, asked, session))
        assert "at most 100" in last["error"]["message"]


async def test_a_question_reaches_the_person_and_the_answer_the_tool(kept: Stack) -> None:
    asked: list[str] = []

    async def person(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"colour": "green"})

    async with kept.client("legacy", elicitation_callback=person) as client:
        result = await client.call_tool("red_ask", {})
        assert result.structured_content == {"result": "chose green"}
        assert asked == ["Which colour?"]
        twelve = await asyncio.gather(*(client.call_tool("blue_ask", {}) for _ in range(12)))
        assert {str(each.structured_content) for each in twelve} == {"{'result': 'chose green'}"}


async def test_a_person_may_decline_and_a_client_that_cannot_ask_is_told_so(kept: Stack) -> None:
    async def person(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="decline")

    async with kept.client("legacy", elicitation_callback=person) as client:
        declined = await client.call_tool("red_ask", {})
        assert declined.is_error
    async with kept.client("legacy", sampling_callback=sample) as client:
        with pytest.raises(Exception, match="elicitation"):
            await client.call_tool("red_ask", {})


async def sample(*_: Any) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(text="x"), model="m")


async def test_what_a_client_can_answer_and_who_it_is_reaches_the_server(kept: Stack) -> None:
    async with kept.client("legacy", sampling_callback=sample) as client:
        meta = (await client.call_tool("red_meta", {})).structured_content
        assert meta["io.modelcontextprotocol/clientCapabilities"] == {"sampling": {}}
        assert meta["io.modelcontextprotocol/clientInfo"]["name"]
        assert "io.modelcontextprotocol/logLevel" not in meta
        await client.session.set_logging_level("warning")
        meta = (await client.call_tool("red_meta", {})).structured_content
        assert meta["io.modelcontextprotocol/logLevel"] == "warning"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_an_id_that_was_never_given_out_is_404_and_nothing_runs(kept: Stack, method: str) -> None:
    with kept.http() as http:
        for made_up in ("0" * 32, "x", "../../etc", "a" * 4000):
            headers = {**LEGACY, "Mcp-Session-Id": made_up}
            body = {"jsonrpc": "2.0", **call("red_publish", name="never")} if method == "POST" else None
            answer = http.request(method, "/mcp", json=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32600), made_up
        assert not ran(kept, "never")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_another_keys_session_is_404_and_nothing_runs(kept: Stack, method: str) -> None:
    with kept.http() as http, kept.http(Authorization=f"Bearer {OTHER_KEY}") as other:
        session = opened(http)
        body = {"jsonrpc": "2.0", **call("red_publish", name="stolen")} if method == "POST" else None
        own = opened(other)
        for ids in ([session], [session, session], [session, own], [own, session]):
            headers = [*LEGACY.items(), *(("Mcp-Session-Id", each) for each in ids)]
            answer = other.request(method, "/mcp", json=body, headers=headers)
            assert answer.status_code == 404, ids
        assert not ran(kept, "stolen")
        assert "red_echo" in post(http, {"id": 1, "method": "tools/list"}, session).text


def test_a_session_of_one_endpoint_is_none_of_another(kept: Stack) -> None:
    with kept.http() as http:
        headers = {**LEGACY, "Mcp-Session-Id": opened(http)}
        listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert http.post("/mcp/red", json=listing, headers=headers).status_code == 404


def ran(stack: Stack, name: str) -> bool:
    """Whether red published ``name``."""
    with stack.http() as http:
        session = opened(http)
        return f"red://made/{name}" in post(http, {"id": 1, "method": "resources/list"}, session).text


def test_delete_ends_a_session_and_stops_its_calls(kept: Stack) -> None:
    with kept.http() as http, kept.http() as second:
        session = opened(http)
        headers = {**LEGACY, "Mcp-Session-Id": session}
        waiting = {"jsonrpc": "2.0", **call("red_wait", label=f"deleted-{session}")}
        waiting["params"]["_meta"] = {"progressToken": 1}
        with http.stream("POST", "/mcp", json=waiting, headers=headers) as answer:
            assert any("waiting" in line for line in answer.iter_lines())
            assert second.delete("/mcp", headers=headers).status_code == 200
        assert stopped_within(kept, f"deleted-{session}", 5)
        for method in ("GET", "POST", "DELETE"):
            assert second.request(method, "/mcp", json={}, headers=headers).status_code == 404


def test_a_call_whose_client_went_away_is_stopped_and_its_session_goes_on(kept: Stack) -> None:
    with kept.http() as http, kept.http() as second:
        session = opened(http)
        headers = {**LEGACY, "Mcp-Session-Id": session}
        waiting = {"jsonrpc": "2.0", **call("red_wait", number=41, label=f"left-{session}")}
        waiting["params"]["_meta"] = {"progressToken": 1}
        with http.stream("POST", "/mcp", json=waiting, headers=headers) as answer:
            assert any("waiting" in line for line in answer.iter_lines())
        assert stopped_within(kept, f"left-{session}", 5)
        assert "still" in post(second, call("red_echo", text="still"), session).text


def test_a_call_is_cancelled_by_its_id_in_its_own_session_alone(kept: Stack) -> None:
    with kept.http() as http, kept.http() as second:
        session, foreign = opened(http), opened(second)
        headers = {**LEGACY, "Mcp-Session-Id": session}
        waiting = {"jsonrpc": "2.0", **call("red_wait", number=7, label=f"named-{session}")}
        waiting["params"]["_meta"] = {"progressToken": 1}
        cancel = {"method": "notifications/cancelled", "params": {"requestId": 7}}
        with http.stream("POST", "/mcp", json=waiting, headers=headers) as answer:
            lines = answer.iter_lines()
            assert any("waiting" in line for line in lines)
            assert post(second, cancel, foreign).status_code == 202
            assert "still" in post(second, call("red_echo", text="still"), session).text
            assert not stopped_within(kept, f"named-{session}", 0)
            assert post(second, cancel, session).status_code == 202
            assert stopped_within(kept, f"named-{session}", 5)


def stopped_within(stack: Stack, label: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while f"cancelled {label}" not in stack.servers["red"].log.read_text():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def test_without_a_session_only_initialize_is_taken(kept: Stack) -> None:
    with kept.http() as http:
        for method in ("GET", "DELETE"):
            assert http.request(method, "/mcp", headers=LEGACY).status_code == 400
        answer = post(http, call("red_publish", name="sessionless"))
        assert answer.status_code == 400
        assert not ran(kept, "sessionless")


def test_the_newest_revision_needs_no_session_and_has_no_stream(kept: Stack) -> None:
    modern = {"MCP-Protocol-Version": "2026-07-28", "Accept": "text/event-stream"}
    with kept.http() as http:
        for method in ("GET", "DELETE"):
            answer = http.request(method, "/mcp", headers=modern)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_one_session_has_one_stream(kept: Stack) -> None:
    with kept.http() as http, kept.http() as second:
        headers = {**LEGACY, "Mcp-Session-Id": opened(http)}
        with http.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert second.get("/mcp", headers=headers).status_code == 409


def test_session_ids_stay_out_of_the_log(kept: Stack) -> None:
    with kept.http() as http, kept.http(Authorization=f"Bearer {OTHER_KEY}") as other:
        session = opened(http)
        post(other, call("red_echo", text="x"), session)
        http.delete("/mcp", headers={**LEGACY, "Mcp-Session-Id": session})
    assert session not in kept.orchestrator.log.read_text()


def test_with_its_key_a_sessions_stream_and_calls_end_within_a_second(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    keep_sessions(stack, key_entry(OTHER_KEY, "other"))
    stack.up()
    with stack.http() as http, stack.http(Authorization=f"Bearer {OTHER_KEY}") as other:
        headers = {**LEGACY, "Mcp-Session-Id": opened(http)}
        waiting = {"jsonrpc": "2.0", **call("red_wait", label="revoked")}
        waiting["params"]["_meta"] = {"progressToken": 1}
        with (
            stack.http() as second,
            http.stream("GET", "/mcp", headers=headers) as stream,
            second.stream("POST", "/mcp", json=waiting, headers=headers) as running,
        ):
            lines = running.iter_lines()
            assert any("waiting" in line for line in lines)
            begun = time.monotonic()
            write_keys(stack.orchestrator.folder / "secrets", OTHER_KEY, "other")
            for rest in (stream.iter_lines(), lines):
                with contextlib.suppress(httpx2.TransportError):
                    assert not [line for line in rest if line.startswith("data:")]
            assert time.monotonic() - begun < 4
        assert stopped_within(stack, "revoked", 5)
        assert http.get("/mcp", headers=headers).status_code == 401
        assert other.get("/mcp", headers=headers).status_code == 404


def test_a_stop_does_not_wait_for_open_streams(make_stack: Any) -> None:
    stack = make_stack()
    stack.add("red")
    keep_sessions(stack)
    stack.up()
    with stack.http() as http:
        headers = {**LEGACY, "Mcp-Session-Id": opened(http)}
        with http.stream("GET", "/mcp", headers=headers):
            begun = time.monotonic()
            assert stack.orchestrator.stop(signal.SIGTERM) == 0
            assert time.monotonic() - begun < 4


async def test_a_session_is_its_keys_and_not_that_of_another_key_of_the_same_name(make_stack: Any) -> None:
    """What a key is given is part of the session: a new key under an old name must not come by more."""
    stack = make_stack()
    stack.add("red")
    stack.add("blue")
    keep_sessions(stack, key_entry("dgk_first", "ci"))
    stack.up()
    with stack.http(Authorization="Bearer dgk_first") as first:
        session = opened(first)
        assert "result" in data(post(first, call("blue_echo", text="hi"), session))
    keep_sessions(stack, key_entry("dgk_second", "ci", scopes=["red"]))
    time.sleep(0.6)
    with stack.http(Authorization="Bearer dgk_second") as second:
        assert post(second, call("blue_echo", text="hi"), session).status_code == 404
        refused = post(second, call("blue_echo", text="hi"), opened(second))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, -32014)

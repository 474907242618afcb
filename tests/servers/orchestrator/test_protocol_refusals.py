"""What is wrong in form is refused alike by the orchestrator and by each server, and nothing runs."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import CLIENT_KEY, Process, Stack
from tests.servers.wire import headers, message

OLDER = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}
JSON = {"Content-Type": "application/json"}
VERSION = "io.modelcontextprotocol/protocolVersion"


@pytest.fixture(params=["orchestrator", "red"])
def process(stack: Stack, request: pytest.FixtureRequest) -> Process:
    return stack.orchestrator if request.param == "orchestrator" else stack.servers["red"]


@pytest.fixture
def http(stack: Stack, process: Process) -> Iterator[httpx2.Client]:
    key = CLIENT_KEY if process is stack.orchestrator else process.key
    authorization = {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{process.port}"
    with httpx2.Client(base_url=base, headers=authorization, trust_env=False, timeout=30) as client:
        yield client


def publish(name: str) -> dict[str, Any]:
    """A call that leaves a trace."""
    return message("tools/call", {"name": "red_publish", "arguments": {"name": name}})


def nothing_ran(http: httpx2.Client, name: str) -> bool:
    asked = message("resources/list")
    return name not in http.post("/mcp", json=asked, headers=headers(asked)).text


def refused(answer: httpx2.Response, status: int, code: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code, error
    return error


@pytest.mark.parametrize("header", ["Mcp-Method", "Mcp-Name"])
@pytest.mark.parametrize("how", ["missing", "other", "twice", "two", "case"])
def test_a_header_that_does_not_mirror_the_body_is_refused(
    http: httpx2.Client, header: str, how: str
) -> None:
    call = publish(f"{header}-{how}")
    lines = headers(call)
    value = lines.pop(header)
    sent = [*lines.items()]
    given = {"missing": [], "other": ["other"], "twice": [value] * 2, "two": [value, "other"]}
    sent += [(header, each) for each in given.get(how, [value.upper()])]
    error = refused(http.post("/mcp", json=call, headers=sent), 400, -32020)
    assert header.lower() in error["message"]
    assert nothing_ran(http, f"{header}-{how}")


@pytest.mark.parametrize("version", [None, "2025-11-25", "2025-03-26"])
def test_an_envelope_without_its_header_is_refused_under_its_id(
    http: httpx2.Client, version: str | None
) -> None:
    call = publish(f"headless-{version}")
    lines = headers(call)
    del lines["MCP-Protocol-Version"]
    if version is not None:
        lines["MCP-Protocol-Version"] = version
    answer = http.post("/mcp", json=call, headers=lines)
    refused(answer, 400, -32020)
    assert answer.json()["id"] == call["id"]
    assert nothing_ran(http, f"headless-{version}")


@pytest.mark.parametrize("version", ["2027-01-01", "2026-07-29", "1.0", "latest"])
def test_an_unknown_revision_is_refused_with_those_there_are(http: httpx2.Client, version: str) -> None:
    call = publish(f"unknown-{version}")
    call["params"]["_meta"][VERSION] = version
    lines = {**headers(call), "MCP-Protocol-Version": version}
    error = refused(http.post("/mcp", json=call, headers=lines), 400, -32022)
    assert error["data"] == {"supported": ["2026-07-28"], "requested": version}
    assert nothing_ran(http, f"unknown-{version}")


def test_a_method_that_is_not_there_is_404_for_new_callers_and_an_error_for_older(
    http: httpx2.Client,
) -> None:
    for method in ("nope/x", "initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list"):
        asked = message(method)
        error = refused(http.post("/mcp", json=asked, headers=headers(asked)), 404, -32601)
        assert error["data"] == method
    for method in ("nope/x", "tasks/list", "server/discover", "subscriptions/listen"):
        older = {"jsonrpc": "2.0", "id": 1, "method": method}
        answer = http.post("/mcp", json=older, headers=OLDER)
        assert answer.status_code == 200
        assert '"code":-32601' in answer.text, method


ODD = {
    "nothing": "",
    "half": '{"jsonrpc":"2.0","id":1',
    "deep": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + "[" * 100_000 + "]" * 100_000 + "}",
    "nan": '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}',
    "infinity": '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":-Infinity}}',
    "surrogate": '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\\ud83d"}}',
    "latin": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\xe4"}}',
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ODD.items()])
@pytest.mark.parametrize("era", ["newest", "older"])
def test_what_is_not_json_is_refused(http: httpx2.Client, era: str, body: str | bytes) -> None:
    lines = headers(message("ping")) if era == "newest" else OLDER
    content = body if isinstance(body, bytes) else body.encode()
    refused(http.post("/mcp", content=content, headers={**lines, **JSON}), 400, -32700)


@pytest.mark.parametrize("era", ["newest", "older"])
@pytest.mark.parametrize("body", ["3", '"ping"', "null", "[]", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'])
def test_what_is_no_single_message_is_refused(http: httpx2.Client, era: str, body: str) -> None:
    lines = headers(message("ping")) if era == "newest" else OLDER
    refused(http.post("/mcp", content=body.encode(), headers={**lines, **JSON}), 400, -32600)


@pytest.mark.parametrize("era", ["newest", "older"])
@pytest.mark.parametrize("number", [None, 1.5, True, [1], {"a": 1}])
def test_an_id_that_is_none_is_refused_and_not_taken_for_a_notification(
    http: httpx2.Client, era: str, number: object
) -> None:
    call = publish("no-id") | {"id": number}
    if era == "older":
        del call["params"]["_meta"]
    answer = http.post("/mcp", json=call, headers=headers(call) if era == "newest" else OLDER)
    refused(answer, 400, -32600)
    assert nothing_ran(http, "no-id")


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30, "", "a", "\U0001f600", "x" * 1000])
@pytest.mark.parametrize("era", ["newest", "older"])
def test_any_proper_id_comes_back_as_it_was(http: httpx2.Client, era: str, number: int | str) -> None:
    call = message("tools/call", {"name": "red_echo", "arguments": {"text": "hi"}}) | {"id": number}
    if era == "older":
        del call["params"]["_meta"]
    answer = http.post("/mcp", json=call, headers=headers(call) if era == "newest" else OLDER)
    told = answer.text if era == "newest" else answer.text.partition("data:")[2]
    assert json.loads(told)["id"] == number


@pytest.mark.parametrize("named", ["red_publish", "red_echo"])
def test_a_key_given_twice_is_refused_whichever_of_the_two_the_header_names(
    http: httpx2.Client, named: str
) -> None:
    call = publish("twice")
    text = json.dumps(call).replace('"name": "red_publish"', '"name": "red_publish", "name": "red_echo"')
    lines = {**headers(call), **JSON, "Mcp-Name": named}
    refused(http.post("/mcp", content=text.encode(), headers=lines), 400, -32700)
    assert nothing_ran(http, "twice")


def test_odd_bodies_leave_no_memory_behind(http: httpx2.Client, process: Process) -> None:
    def resident() -> int:
        assert process.process is not None
        pages = int(Path(f"/proc/{process.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    bodies = [b"[" * 4_000_000, b'{"a":' * 800_000, b'"' + b"x" * 4_000_000, b"[" + b"1," * 2_000_000 + b"1]"]
    for body in bodies:
        http.post("/mcp", content=body, headers={**OLDER, **JSON})
    before = resident()
    for _ in range(3):
        for body in bodies:
            assert http.post("/mcp", content=body, headers={**OLDER, **JSON}).status_code == 400
    assert resident() - before < 64 * 2**20

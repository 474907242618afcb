"""Every protocol revision at one endpoint, without sessions: what each gets of the same servers, and how."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator import shapes_program
from tests.servers.orchestrator.conftest import Process, Stack, wait_until
from tests.servers.wire import headers as modern_headers
from tests.servers.wire import message as modern_message

OLDER = ["2025-03-26", "2025-06-18", "2025-11-25"]
NEWEST = "2026-07-28"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER_TRACE = "00-1bf7651916cd43dd8448eb211c80319c-c8ad6b7169203331-01"
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with answers of every shape, and red."""
    shared = Stack(tmp_path_factory.mktemp("shapes"))
    for name in ("shape", "odd"):
        shared.join(Process(name, shared.folder / name, [shapes_program.__file__, name]), name)
    shared.add("red")
    try:
        yield shared.up()
    finally:
        shared.close()


class Asker:
    """Speaks one revision by hand."""

    def __init__(self, http: httpx2.Client, version: str) -> None:
        self.http, self.version = http, version

    def post(
        self, method: str, params: dict[str, Any] | None = None, path: str = "/mcp", **more: str
    ) -> httpx2.Response:
        params = params or {}
        if self.version == NEWEST:
            request = modern_message(method, params)
            return self.http.post(path, json=request, headers=modern_headers(request, **more))
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.http.post(
            path, json=request, headers={"MCP-Protocol-Version": self.version, **ACCEPT, **more}
        )

    def messages(self, method: str, params: dict[str, Any] | None = None, **more: str) -> list[str]:
        """What came, message by message, as it was written."""
        answer = self.post(method, params, **more)
        assert answer.status_code == 200, answer.text
        if answer.headers["content-type"].startswith("application/json"):
            return [answer.text]
        # U+2028 may stand in a line of SSE, and str.splitlines would break it.
        return [line[5:].strip() for line in answer.text.split("\n") if line.startswith("data:")]

    def result(self, method: str, params: dict[str, Any] | None = None, **more: str) -> dict[str, Any]:
        message = json.loads(self.messages(method, params, **more)[-1])
        assert "result" in message, message
        result: dict[str, Any] = message["result"]
        return result

    def call(self, tool: str, _: Any = None, **arguments: Any) -> dict[str, Any]:
        return self.result("tools/call", {"name": tool, "arguments": arguments})


@pytest.fixture(params=[*OLDER, NEWEST])
def asker(shapes: Stack, request: pytest.FixtureRequest) -> Iterator[Asker]:
    with shapes.http() as http:
        yield Asker(http, request.param)


@pytest.fixture(params=OLDER)
def older(shapes: Stack, request: pytest.FixtureRequest) -> Iterator[Asker]:
    with shapes.http() as http:
        yield Asker(http, request.param)


def test_an_older_client_gets_the_revision_it_asks_for(older: Asker) -> None:
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": older.version, "capabilities": {}, "clientInfo": client}
    answer = older.result("initialize", params)
    assert answer["protocolVersion"] == older.version
    assert answer["serverInfo"]["name"] == "orchestrator"
    assert set(answer["capabilities"]) >= {"tools", "resources", "prompts", "completions"}
    assert not answer["capabilities"]["tools"]["listChanged"]
    assert not answer["capabilities"]["resources"]["subscribe"]
    assert "logging" not in answer["capabilities"]


def test_an_older_client_that_asks_for_an_unknown_revision_is_offered_the_last_of_its_era(
    shapes: Stack,
) -> None:
    with shapes.http() as http:
        for wanted in ("2099-01-01", "1", NEWEST):
            params = {
                "protocolVersion": wanted,
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            }
            message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
            answer = http.post("/mcp", json=message, headers=ACCEPT)
            assert '"protocolVersion":"2025-11-25"' in answer.text


def test_all_there_is_can_be_used(asker: Asker) -> None:
    names = [tool["name"] for tool in asker.result("tools/list")["tools"]]
    assert names == sorted(names)
    assert {"red_echo", "shape_link"} <= set(names)
    assert asker.call("red_echo", text="hi")["content"][0]["text"] == "hi"
    assert [r["uri"] for r in asker.result("resources/list")["resources"]] == ["red://fixed"]
    templates = asker.result("resources/templates/list")["resourceTemplates"]
    assert [t["uriTemplate"] for t in templates] == ["red://things/{name}"]
    read = asker.result("resources/read", {"uri": "red://things/one"})
    assert read["contents"][0]["text"] == "thing one of red"
    assert [p["name"] for p in asker.result("prompts/list")["prompts"]] == ["red_prompt"]
    prompt = asker.result("prompts/get", {"name": "red_prompt", "arguments": {"topic": "rain"}})
    assert prompt["messages"][0]["content"]["text"] == "Write about rain"
    for reference in (
        {"type": "ref/prompt", "name": "red_prompt"},
        {"type": "ref/resource", "uri": "red://things/{name}"},
    ):
        asked = {"ref": reference, "argument": {"name": "topic", "value": "r"}}
        assert asker.result("completion/complete", asked)["completion"]["values"] == ["red-one", "red-two"]


def test_progress_comes_under_the_callers_own_token_and_in_order(asker: Asker) -> None:
    params = {
        "name": "red_count",
        "arguments": {"steps": 4, "label": "l"},
        "_meta": {"progressToken": "mine"},
    }
    *notes, last = map(json.loads, asker.messages("tools/call", params))
    assert [note["method"] for note in notes] == ["notifications/progress"] * 4
    assert [note["params"]["progress"] for note in notes] == [1, 2, 3, 4]
    assert {note["params"]["progressToken"] for note in notes} == {"mine"}
    assert {note["params"]["message"] for note in notes} == {"l"}
    assert last["result"]["content"][0]["text"] == "l"


@pytest.mark.parametrize("name", ["numbers", "strings", "nested"])
@pytest.mark.parametrize("stream", [False, True])
def test_structured_content_stays_what_it_was(asker: Asker, name: str, stream: bool) -> None:
    meta = {"_meta": {"progressToken": 1}} if stream else {}
    came = asker.result("tools/call", {"name": f"shape_{name}", "arguments": {}, **meta})
    made = json.loads(shapes_program.RESULTS[name])
    if asker.version == "2025-03-26":
        assert "structuredContent" not in came
    else:
        # repr tells 1 from 1.0 and 0.0 from -0.0
        assert repr(came["structuredContent"]) == repr(made["structuredContent"])
    assert came["content"] == made["content"]


def test_the_newest_revision_gets_each_number_as_it_was_written(shapes: Stack) -> None:
    with shapes.http() as http:
        (text,) = Asker(http, NEWEST).messages("tools/call", {"name": "shape_numbers", "arguments": {}})
    for written in ("123456789012345678901234567890", "9007199254740993", '"one":1.0', "-0.0", "5e-324"):
        assert written in text


@pytest.mark.parametrize(("name", "value"), [("list", [1, "two", None]), ("scalar", 3)])
def test_content_that_is_no_object_is_for_the_newest_revision(asker: Asker, name: str, value: object) -> None:
    tools = {tool["name"]: tool for tool in asker.result("tools/list")["tools"]}
    came, bare = asker.call(f"shape_{name}"), asker.call(f"shape_{name}_only")
    if asker.version == NEWEST:
        assert came["structuredContent"] == bare["structuredContent"] == value
        assert "outputSchema" in tools[f"shape_{name}"]
    else:
        assert "structuredContent" not in came | bare
        assert "outputSchema" not in tools[f"shape_{name}"]
        assert came["content"] == [{"type": "text", "text": "t"}]
        assert json.loads(bare["content"][0]["text"]) == value
    assert ("outputSchema" in tools["shape_numbers"]) == (asker.version != "2025-03-26")


def test_links_to_resources_are_links_or_say_where_they_lead(asker: Asker) -> None:
    link, text = asker.call("shape_link")["content"]
    assert text == {"type": "text", "text": "see above"}
    if asker.version == "2025-03-26":
        assert link == {"type": "text", "text": "Report: shape://report"}
    else:
        assert link == json.loads(shapes_program.LINK)


def test_what_a_tool_says_of_itself_stays(asker: Asker) -> None:
    assert asker.call("shape_error")["isError"] is True
    more = asker.call("shape_more")
    assert more["_meta"]["vendor/x"] == {"deep": [1]}
    if asker.version == NEWEST:
        assert more["extra"] == "kept"


@pytest.mark.parametrize(("size", "stream"), [(5_000_000, False), (900_000, True), (5_000_000, True)])
def test_large_texts_arrive_whole(asker: Asker, size: int, stream: bool) -> None:
    meta = {"_meta": {"progressToken": 1}} if stream else {}
    came = asker.result("tools/call", {"name": "shape_text", "arguments": {"size": size}, **meta})
    assert came["content"][0]["text"] == "x" * size


def test_half_a_character_is_refused_and_not_waited_for(asker: Asker) -> None:
    message = json.loads(asker.messages("tools/call", {"name": "odd_half", "arguments": {}})[-1])
    assert message["error"]["code"] == -32010
    assert asker.call("red_echo", text="hi")["content"][0]["text"] == "hi"


def test_what_is_not_json_is_refused(asker: Asker) -> None:
    for name in ("nan", "infinity"):
        message = json.loads(asker.messages("tools/call", {"name": f"odd_{name}", "arguments": {}})[-1])
        assert message["error"]["code"] == -32010, name


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("where", ["header", "meta", "both", "neither", "malformed"])
def test_the_trace_and_the_correlation_id_cross_in_header_and_meta(
    asker: Asker, where: str, stream: bool
) -> None:
    meta = {
        "meta": {"traceparent": TRACE},
        "both": {"traceparent": OTHER_TRACE},
        "malformed": {"traceparent": "00-0-0-0\r\nX: y"},
    }.get(where, {})
    more = {"traceparent": TRACE} if where in ("header", "both") else {}
    token = {"progressToken": 1} if stream else {}
    params = {"name": "shape_numbers", "arguments": {}, "_meta": {**meta, **token}}
    came = asker.result("tools/call", params, **more, **{"X-Correlation-ID": "it.is-me"})
    seen = came["_meta"]["test/came"]
    assert seen["headers"]["x-correlation-id"] == "it.is-me"
    assert seen["_meta"]["docgenctl/correlationId"] == "it.is-me"
    expected = {"header": TRACE, "meta": TRACE, "both": TRACE}.get(where)
    assert seen["headers"].get("traceparent") == expected
    in_meta = {"header": TRACE, "meta": TRACE, "both": OTHER_TRACE}.get(where, meta.get("traceparent"))
    assert seen["_meta"].get("traceparent") == in_meta


def test_a_call_whose_client_goes_away_is_stopped(asker: Asker, shapes: Stack) -> None:
    label = f"left-{asker.version}"
    params = {"name": "red_wait", "arguments": {"label": label}, "_meta": {"progressToken": 1}}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    lines = {"MCP-Protocol-Version": asker.version, **ACCEPT}
    if asker.version == NEWEST:
        request = modern_message("tools/call", params)
        lines = modern_headers(request)
    with asker.http.stream("POST", "/mcp", json=request, headers=lines) as answer:
        assert any("waiting" in line for line in answer.iter_lines())
    wait_until(lambda: f"cancelled {label}" in shapes.servers["red"].log.read_text(), 5, "the cancelling")


def test_unknown_names_get_the_codes_of_their_revision(asker: Asker) -> None:
    unknown = {
        "tools/call": ({"name": "nope", "arguments": {}}, -32602),
        "prompts/get": ({"name": "nope"}, -32602),
        "resources/read": ({"uri": "nope://x"}, -32602 if asker.version == NEWEST else -32002),
        "completion/complete": (
            {"ref": {"type": "ref/prompt", "name": "nope"}, "argument": {"name": "a", "value": ""}},
            -32602,
        ),
    }
    for method, (params, code) in unknown.items():
        answer = asker.post(method, params)
        text = answer.text if answer.text.startswith("{") else answer.text.partition("data:")[2]
        assert json.loads(text)["error"]["code"] == code, method

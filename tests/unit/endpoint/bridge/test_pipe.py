"""What is on the pipe, line by line: revisions of the handshake, errors, odd input, and the end."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.endpoint.bridge.conftest import Home, Pipe

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "by hand", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ASK = {"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {"name": "ask", "arguments": {}}}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *((version, version) for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")),
        ("2099-01-01", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_the_handshake_settles_on_a_revision_that_both_know(pipe: Pipe, asked: Any, answered: str) -> None:
    result = pipe.initialize(asked)
    assert result["protocolVersion"] == answered
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert "extensions" not in result["capabilities"]
    assert result["serverInfo"]["name"] == "fixture"
    assert pipe.ask("ping")["result"] == {}


def test_results_are_of_the_revision_that_was_settled_on(pipe: Pipe) -> None:
    pipe.initialize("2025-11-25")
    listed = pipe.ask("tools/list")["result"]
    assert set(listed) == {"tools"}
    assert any("outputSchema" in tool for tool in listed["tools"])
    result = pipe.call("echo", {"text": "hi"})["result"]
    assert set(result) == {"content", "structuredContent"} or result.pop("isError") is False
    pipe.initialize("2025-03-26")
    assert not any("outputSchema" in tool for tool in pipe.ask("tools/list")["result"]["tools"])
    assert "structuredContent" not in pipe.call("echo", {"text": "hi"})["result"]


def test_both_eras_are_served_on_one_pipe(pipe: Pipe) -> None:
    """A client whose first question timed out may go on with the handshake."""
    modern = pipe.ask("server/discover", {"_meta": ENVELOPE})["result"]
    assert "2026-07-28" in modern["supportedVersions"]
    pipe.initialize("2025-06-18")
    assert "resultType" not in pipe.ask("tools/list")["result"]
    assert pipe.ask("tools/list", {"_meta": ENVELOPE})["result"]["resultType"] == "complete"


def test_a_revision_that_nobody_speaks_is_refused_with_those_that_are_spoken(pipe: Pipe) -> None:
    future = {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    error = pipe.ask("server/discover", {"_meta": future})["error"]
    assert error["code"] == -32022
    assert "2026-07-28" in error["data"]["supported"]


@pytest.mark.parametrize(
    ("line", "code", "identity"),
    [
        (b"{", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
        (b"3", -32600, None),
        (b'{"id":1,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[1]}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":"x","method":"initialise"}', -32600, "x"),
    ],
)
def test_what_is_no_request_is_answered_as_json_rpc_wants(
    pipe: Pipe, line: bytes, code: int, identity: Any
) -> None:
    pipe.send(line)
    answer = pipe.receive()
    assert (answer["error"]["code"], answer["id"]) == (code, identity)
    assert pipe.ask("ping")["result"] == {}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b'{"jsonrpc":"2.0","method":"notifications/cancelled"}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"a":1}}}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"no/such"}',
        b'{"jsonrpc":"2.0","id":"docgenctl-99","result":{}}',
        b'{"jsonrpc":"2.0","id":1,"error":"odd"}',
    ],
)
def test_what_needs_no_answer_gets_none(pipe: Pipe, line: bytes) -> None:
    pipe.send(line)
    assert pipe.ask("ping", id="after")["id"] == "after"


def test_methods_and_tools_that_are_not_there_are_told_apart(pipe: Pipe) -> None:
    pipe.initialize()
    assert pipe.ask("no/such")["error"]["code"] == -32601
    assert pipe.ask("resources/read", {"uri": "docs://none"})["error"]["code"] == -32002
    assert "error" in pipe.call("none") or pipe.call("none")["result"]["isError"]


def test_ids_are_given_back_as_they_came_and_not_twice_at_once(pipe: Pipe) -> None:
    pipe.initialize()
    for identity in ("seven", 7, "7", -1, 2**53, 1.5):
        answer = pipe.call("echo", {"text": "x"}) if identity is None else pipe.ask("ping", id=identity)
        assert answer["id"] == identity
        assert type(answer["id"]) is type(identity)
    hanging = {"name": "hang", "arguments": {"label": "x"}, "_meta": {"progressToken": "t"}}
    pipe.send({"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": hanging})
    assert pipe.until("notifications/progress")["params"]["progressToken"] == "t"
    assert pipe.ask("tools/list", id="50")["id"] == "50"
    assert pipe.ask("ping", id=50)["error"]["code"] == -32600
    pipe.tell("notifications/cancelled", {"requestId": 50})
    while True:
        answer = pipe.ask("ping", id=50)
        if "result" in answer:
            break


def test_a_cancelled_request_is_not_answered(pipe: Pipe) -> None:
    pipe.initialize()
    hanging = {"name": "hang", "arguments": {"label": "silence"}, "_meta": {"progressToken": "t"}}
    pipe.send({"jsonrpc": "2.0", "id": "gone", "method": "tools/call", "params": hanging})
    pipe.until("notifications/progress")
    pipe.tell("notifications/cancelled", {"requestId": "gone", "reason": "enough"})
    deadline = time.monotonic() + 20
    while "silence" not in pipe.call("cancellations")["result"]["structuredContent"]["result"]:
        assert time.monotonic() < deadline


def test_a_question_is_taken_back_when_its_request_is_cancelled(pipe: Pipe) -> None:
    pipe.initialize("2025-06-18", elicitation={})
    pipe.send(
        {"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
    )
    question = pipe.until("elicitation/create")
    assert question["params"]["message"] == "Which colour?"
    assert "mode" not in question["params"]
    pipe.tell("notifications/cancelled", {"requestId": "q"})
    assert pipe.until("notifications/cancelled")["params"] == {"requestId": question["id"]}
    pipe.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "cancel"}})  # too late
    assert pipe.ask("ping")["result"] == {}


def test_a_client_that_cannot_answer_a_question_gets_an_error_for_its_request(pipe: Pipe) -> None:
    pipe.initialize(elicitation={"form": {}})
    pipe.send(
        {"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
    )
    question = pipe.until("elicitation/create")
    error = {"code": -1, "message": "no screen"}
    pipe.send({"jsonrpc": "2.0", "id": question["id"], "error": error})
    answer = pipe.receive()
    assert answer["id"] == "q"
    assert "no screen" in answer["error"]["message"]


def test_a_subscribed_resource_is_told_when_it_changes_and_not_after_unsubscribing(pipe: Pipe) -> None:
    updated = "notifications/resources/updated"

    def change(name: str, heard: str) -> list[dict[str, Any]]:
        """All until the call is answered and that change was heard of; either may be first."""
        params = {"name": "change", "arguments": {"name": name}}
        pipe.send({"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params})
        return pipe.until_all(lambda came: came.get("id") == name, lambda came: came.get("method") == heard)

    pipe.initialize()
    assert pipe.ask("resources/subscribe", {"uri": "docs://one"})["result"] == {}
    told = [came["params"] for came in change("a", updated) if came.get("method") == updated]
    assert told == [{"uri": "docs://one"}]
    assert pipe.ask("resources/unsubscribe", {"uri": "docs://one"})["result"] == {}
    assert pipe.ask("resources/subscribe", {})["error"]["code"] == -32602
    later = [*change("b", "notifications/tools/list_changed"), *pipe.left()]
    assert not [came for came in later if came.get("method") == updated]


def test_the_envelope_names_the_client_and_what_it_can_answer(pipe: Pipe) -> None:
    pipe.initialize("2025-06-18", elicitation={}, roots={"listChanged": True}, experimental={"x": {}})
    pipe.ask("logging/setLevel", {"level": "info"})
    text = pipe.call("who", _meta={"traceparent": "00-1"})["result"]["content"][0]["text"]
    assert "'name': 'by hand'" in text
    assert "'elicitation': {}" in text
    assert "experimental" not in text
    assert "'traceparent': '00-1'" in text
    assert "'io.modelcontextprotocol/logLevel': 'info'" in text


def test_an_answer_that_is_none_is_an_error_of_that_request(shared: Home) -> None:
    pipe = shared.pipe("garbage")
    pipe.initialize()
    error = pipe.ask("tools/list")["error"]
    assert error["data"]["code"] == "protocol"
    assert pipe.end() == 0


@pytest.mark.parametrize(
    ("door", "code", "words"), [("closed", -32003, "not with this key"), ("busy", -32010, "in 7 s")]
)
def test_a_refusal_is_told_as_the_stack_tells_it(shared: Home, door: str, code: int, words: str) -> None:
    pipe = shared.pipe(door)
    for params in ({"_meta": ENVELOPE}, {}):
        pipe.initialize()
        error = pipe.ask("tools/list", params)["error"]
        assert error["code"] == code
        assert words in error["message"]
    assert pipe.end() == 0


def test_threads_end_with_the_requests_that_they_are_for(shared: Home) -> None:
    pipe = shared.pipe()
    pipe.initialize(elicitation={})

    def threads() -> int:
        status = Path(f"/proc/{pipe.process.pid}/status").read_text()
        return int(re.search(r"Threads:\s+(\d+)", status)[1])  # type: ignore[index]

    for number in range(40):
        hanging = {"name": "hang", "arguments": {"label": "x"}, "_meta": {"progressToken": number}}
        params = hanging if number % 2 else ASK["params"]
        pipe.send({"jsonrpc": "2.0", "id": f"h{number}", "method": "tools/call", "params": params})
    for _ in range(40):
        pipe.receive()
    most = threads()  # each of them waits in one of its own
    assert most > 40
    for number in range(40):
        pipe.tell("notifications/cancelled", {"requestId": f"h{number}"})
    deadline = time.monotonic() + 20
    while threads() > most - 40:
        assert time.monotonic() < deadline, threads()
        time.sleep(0.02)
    assert pipe.end() == 0


# -- beginning and end -------------------------------------------------------------------------------


def test_requests_that_came_before_the_end_of_input_are_answered(shared: Home) -> None:
    pipe = shared.pipe()
    call = {"name": "echo", "arguments": {"text": "last"}, "_meta": ENVELOPE}
    pipe.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    assert pipe.process.stdin is not None
    pipe.process.stdin.close()
    assert pipe.receive()["result"]["structuredContent"] == {"result": "last"}
    assert pipe.end() == 0


def test_it_ends_within_two_seconds_of_its_input_whatever_hangs(shared: Home) -> None:
    pipe = shared.pipe()
    pipe.initialize(elicitation={})
    hanging = {"name": "hang", "arguments": {"label": "end"}, "_meta": {"progressToken": "t"}}
    pipe.send({"jsonrpc": "2.0", "id": "h", "method": "tools/call", "params": hanging})
    pipe.until("notifications/progress")
    pipe.send(
        {"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
    )
    pipe.until("elicitation/create")
    begun = time.monotonic()
    assert pipe.end() == 0
    assert time.monotonic() - begun < 2
    other = shared.pipe()
    other.initialize()
    deadline = time.monotonic() + 20
    while "end" not in other.call("cancellations")["result"]["structuredContent"]["result"]:
        assert time.monotonic() < deadline
    other.end()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once_and_in_order(shared: Home, number: int, code: int) -> None:
    pipe = shared.pipe()
    pipe.initialize()
    hanging = {"name": "hang", "arguments": {"label": "x"}, "_meta": {"progressToken": "t"}}
    pipe.send({"jsonrpc": "2.0", "id": "h", "method": "tools/call", "params": hanging})
    pipe.until("notifications/progress")
    begun = time.monotonic()
    pipe.process.send_signal(number)
    assert pipe.process.wait(20) == code
    assert time.monotonic() - begun < 2
    pipe.end()
    assert not any("Traceback" in line for line in pipe.log)


def test_it_ends_when_its_reader_has_gone(shared: Home) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        shared.command(), env=shared.environ, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    os.close(reading)
    assert process.stdin is not None
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}).encode() + b"\n"
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:
            break
        time.sleep(0.05)
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.stdin = None


def test_a_person_who_starts_it_at_a_terminal_is_told_what_it_waits_for(shared: Home) -> None:
    keyboard, terminal = os.openpty()
    process = subprocess.Popen(
        shared.command(),
        env=shared.environ,
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    os.close(terminal)
    assert process.stderr is not None
    with process.stderr:
        assert b"docgenctl clients connect" in process.stderr.readline()
        os.write(keyboard, b"\x04")  # the end of input, as people type it
        assert process.wait(20) == 0
    os.close(keyboard)


def test_a_directory_or_an_endpoint_that_cannot_be_is_told_at_once(shared: Home, tmp_path: Path) -> None:
    for more, word in (
        (["mcp", "--project-dir", str(tmp_path / "none")], "is not a directory"),
        (["mcp", "../x", "--project-dir", str(tmp_path)], "is not the name of an endpoint"),
        (["mcp", "--nonsense"], "nonsense"),
    ):
        done = subprocess.run(
            [*shared.command()[:3], *more], env=shared.environ, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert word in done.stderr


def test_nothing_slow_is_imported_on_the_way_to_the_first_answer(shared: Home) -> None:
    python, *rest = shared.command()
    hello = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": ENVELOPE}}
    done = subprocess.run(
        [python, "-X", "importtime", *rest],
        env=shared.environ,
        input=json.dumps(hello).encode(),
        capture_output=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["result"]["resultType"] == "complete"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "docgenctl.endpoint.bridge.bridge" in imported
    assert not imported & {"typer", "rich", "pydantic", "asyncio", "ruamel.yaml", "docker", "requests"}

"""A stack that goes away, moves, and gets other keys and certificates, while the client goes on."""

import shutil
import time
from collections.abc import Callable

from tests.unit.endpoint.bridge.conftest import Home, Pipe
from tests.unit.endpoint.bridge.test_pipe import ENVELOPE


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def serves(pipe: Pipe) -> bool:
    return "result" in pipe.call("echo", {"text": "x"})


def test_a_stack_that_was_never_started_is_told_and_found_once_it_is(own: Home) -> None:
    pipe = own.pipe()
    greeting = pipe.initialize()
    assert "docgenctl up" in greeting["instructions"]
    assert greeting["capabilities"]["tools"] == {"listChanged": True}
    error = pipe.ask("tools/list")["error"]
    assert error["code"] == -32010
    assert error["data"]["code"] == "never_started"
    assert f"docgenctl up --project-dir {own.workspace}" in error["message"]
    own.start()
    pipe.until("notifications/tools/list_changed")
    assert "echo" in {tool["name"] for tool in pipe.ask("tools/list")["result"]["tools"]}
    assert pipe.end() == 0
    assert any("was never started" in line for line in pipe.log)


def test_a_restarted_stack_is_found_again_at_another_port_with_another_key_and_authority(own: Home) -> None:
    own.start()
    pipe = own.pipe()
    pipe.initialize()
    pipe.ask("resources/subscribe", {"uri": "docs://one"})
    assert serves(pipe)
    own.stop()
    error = pipe.ask("tools/list")["error"]
    assert error["code"] == -32010
    assert "docgenctl up" in error["message"]
    shutil.rmtree(own.state / "ca")
    own.renew_certificate()
    own.renew_key()
    own.start()
    told = {pipe.receive()["method"] for _ in range(4)}
    assert told == {
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    }
    assert serves(pipe)
    assert pipe.end() == 0


def test_a_new_key_is_used_from_the_next_request_on(own: Home) -> None:
    own.start()
    pipe = own.pipe()
    pipe.initialize()
    for _ in range(3):
        own.renew_key()
        assert serves(pipe)
    pipe.end()


def test_a_key_that_is_not_accepted_is_told_without_the_key(own: Home) -> None:
    own.start()
    pipe = own.pipe()
    pipe.initialize()
    key = (own.state / "api-key").read_text().strip()
    (own.state / "api-key").rename(own.state / "elsewhere")
    error = pipe.ask("tools/list")["error"]
    assert error["data"]["code"] == "key_missing"
    assert key not in str(error)
    (own.state / "elsewhere").rename(own.state / "api-key")
    assert serves(pipe)
    pipe.end()
    assert key not in "\n".join(pipe.log)


def test_a_client_of_2026_gets_an_offer_while_the_stack_is_away_and_hears_when_it_is_back(own: Home) -> None:
    pipe = own.pipe()
    offered = pipe.ask("server/discover", {"_meta": ENVELOPE})["result"]
    assert offered["supportedVersions"] == ["2026-07-28"]
    assert "docgenctl up" in offered["instructions"]
    listen = {"_meta": ENVELOPE, "notifications": {"toolsListChanged": True}}
    pipe.send({"jsonrpc": "2.0", "id": "L", "method": "subscriptions/listen", "params": listen})
    assert pipe.receive()["method"] == "notifications/subscriptions/acknowledged"
    for _ in range(2):
        own.start()
        told = pipe.until("notifications/tools/list_changed")
        assert told["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": "L"}
        assert "result" in pipe.ask("tools/list", {"_meta": ENVELOPE})
        own.stop()
        until(lambda: "error" in pipe.ask("tools/list", {"_meta": ENVELOPE}))
    pipe.tell("notifications/cancelled", {"requestId": "L"})
    assert pipe.end() == 0


def test_a_stack_that_comes_and_goes_is_told_in_the_log_once_each_time(own: Home) -> None:
    own.start()
    pipe = own.pipe()
    pipe.initialize()
    assert serves(pipe)
    own.stop()
    until(lambda: any("closed the connection" in line for line in pipe.log))
    own.start()
    until(lambda: any("answers again" in line for line in pipe.log))
    pipe.end()
    assert sum("answers again" in line for line in pipe.log) == 1
    assert sum("nothing answers" in line for line in pipe.log) <= 1

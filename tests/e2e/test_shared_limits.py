"""Rates that orchestrators count together, through the gateway: in bursts, restarts, without the store."""

import contextlib
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.hardening import findings
from tests.e2e.stack import Stack
from tests.e2e.test_scale import HEADERS, ask_once

WRITE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "files_write",
            "arguments": {"path": "docs/generated/note.md", "text": "x"},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
).encode()

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def burst(stack: Stack, key: str, count: int) -> Counter[int]:
    """Statuses of so many lists of tools, each over a connection of its own."""
    endpoint = stack.endpoint()
    with ThreadPoolExecutor(12) as pool:
        return Counter(pool.map(lambda _: ask_once(endpoint, key), range(count)))


def created(stack: Stack, name: str, rate: str) -> str:
    return str(stack.ok("keys", "create", name, "--rate", rate, "--json").document["key"])


def wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def limits_layers(stack: Stack) -> list[dict[str, object]]:
    layers = stack.run("health", "--json").document["layers"]
    return [layer for layer in layers if layer["layer"] == "limits"]


def call_writing(stack: Stack, key: str) -> tuple[int, str | None]:
    """Status of a call that would change a file, and when to try again."""
    endpoint = stack.endpoint()
    url = urlsplit(endpoint["url"])
    assert url.hostname is not None
    context = ssl.create_default_context(cafile=endpoint["ca_file"])
    connection = HTTPSConnection(url.hostname, url.port, context=context, timeout=20)
    named = {"Mcp-Method": "tools/call", "Mcp-Name": "files_write"}
    try:
        connection.request("POST", url.path, WRITE, {**HEADERS, **named, "Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Retry-After")
    finally:
        connection.close()


@contextlib.contextmanager
def writing(stack: Stack, key: str) -> Iterator[Counter[int]]:
    """Somebody who writes all the time under a key with a rate; the statuses of all calls."""
    statuses: Counter[int] = Counter()
    ending = threading.Event()

    def write() -> None:
        while not ending.is_set():
            statuses[call_writing(stack, key)[0]] += 1

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield statuses
    finally:
        ending.set()
        thread.join(60)


def test_rates_hold_over_several_orchestrators_and_their_store_comes_and_goes_with_them(
    workspace: MakeStack, api: APIClient
) -> None:
    stack = workspace()
    stack.up()
    before = stack.containers()
    assert "valkey" not in before
    keys = {name: created(stack, name, "30/h") for name in ("burst", "restarted", "emptied")}
    writer = created(stack, "writer", "1000/s")
    with writing(stack, writer) as written:
        scaled = stack.ok("scale", "orchestrator=2")
        more = written.total()
    assert "count the rates of keys and tools together" in scaled.stdout + scaled.stderr
    assert set(written) == {200}, written
    assert more > 0
    assert findings(api, stack.project) == []
    assert stack.ok("health", "--json").document["healthy"]
    assert limits_layers(stack) == []
    assert stack.ok("plan", "--json").document["changes"] is False
    proofs = stack.ok("prove", "--json").document["isolation"]
    kept_out = {p["service"]: p["verdict"] for p in proofs if p["target"] == "valkey"}
    assert kept_out == dict.fromkeys(("gateway", "github", "main"), "blocked")
    # Ten times the limit.
    begun = time.monotonic()
    counted = burst(stack, keys["burst"], 300)
    gained = int((time.monotonic() - begun) * 30 / 3600) + 1
    assert set(counted) == {200, 429}
    assert 29 <= counted[200] <= 30 + gained, counted
    # An orchestrator that is made anew finds what was counted.
    assert burst(stack, keys["restarted"], 20) == {200: 20}
    stack.ok("restart", "orchestrator")
    counted = burst(stack, keys["restarted"], 60)
    assert 9 <= counted[200] <= 11, counted
    # And so does a store that is.
    assert burst(stack, keys["emptied"], 25) == {200: 25}
    stack.ok("restart", "valkey")
    wait_for(lambda: not limits_layers(stack))
    counted = burst(stack, keys["emptied"], 60)
    assert 4 <= counted[200] <= 6, counted
    # It goes with the second orchestrator, and the first stays what it was.
    with writing(stack, writer) as written:
        less = stack.ok("scale", "orchestrator=1", "--json").document
    assert set(written) == {200}, written
    assert ("remove container", "valkey") in [(step["verb"], step["subject"]) for step in less["steps"]]
    assert stack.containers() == before
    assert stack.ok("health", "--json").document["healthy"]
    assert ask_once(stack.endpoint(), created(stack, "after", "5/h")) == 200


def in_valkey(stack: Stack, signal: str) -> None:
    """Send a signal to the program itself, as a crash or a hang would come upon it."""
    script = "for f in /proc/[0-9]*; do [[ $(< $f/comm) == valkey-server ]] && kill -$0 ${f#/proc/}; done"
    stack.engine.execute(stack.containers()["valkey"], ("bash", "-c", script, signal))


def test_without_the_store_shares_are_in_force_and_it_comes_back_by_itself(
    workspace: MakeStack, api: APIClient
) -> None:
    stack = workspace(settings={"orchestrator": {"shared_limits": "always"}})
    stack.up()
    keys = {name: created(stack, name, "30/h") for name in ("kept", "paused", "killed")}
    # The counts of a single orchestrator survive it too.
    assert burst(stack, keys["kept"], 20) == {200: 20}
    stack.ok("restart", "orchestrator")
    assert 9 <= burst(stack, keys["kept"], 60)[200] <= 11
    # Paused: it takes connections, and answers nothing.
    store = stack.containers()["valkey"]
    api.pause(store)
    try:
        wait_for(lambda: bool(limits_layers(stack)))
        report = stack.run("health", "--json")
        assert report.exit_code == 5
        (layer,) = limits_layers(stack)
        assert "store of rates is away" in str(layer["detail"])
        assert burst(stack, keys["paused"], 60) == {200: 30, 429: 30}
        assert call_writing(stack, keys["killed"]) == (503, "1")
    finally:
        api.unpause(store)
    wait_for(lambda: not limits_layers(stack))
    assert burst(stack, keys["paused"], 20)[200] <= 1, "what was handed out meanwhile counts"
    assert call_writing(stack, keys["killed"])[0] == 200
    # Killed: the engine starts it again. Hung: its own check ends it first.
    for signal in ("KILL", "STOP"):
        before = stack.engine.inspect(store).restarts
        in_valkey(stack, signal)
        wait_for(lambda before=before: stack.engine.inspect(store).restarts > before, 90)
        wait_for(lambda: stack.run("health").exit_code == 0)
    assert 27 <= burst(stack, keys["killed"], 60)[200] <= 31

"""Rates that orchestrators count together, through the gateway: in bursts, restarts, without the store."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.hardening import findings
from tests.e2e.stack import Stack
from tests.e2e.test_scale import ask_once

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def burst(stack: Stack, key: str, count: int) -> Counter[int]:
    """Statuses of so many lists of tools, each over a connection of its own."""
    endpoint = stack.endpoint()
    with ThreadPoolExecutor(12) as pool:
        return Counter(pool.map(lambda _: ask_once(endpoint, key), range(count)))


def created(stack: Stack, name: str, rate: str) -> str:
    return str(stack.ok("keys", "create", name, "--rate", rate, "--json").document["key"])


def wait_for(true, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def limits_layers(stack: Stack) -> list[dict[str, object]]:
    layers = stack.run("health", "--json").document["layers"]
    return [layer for layer in layers if layer["layer"] == "limits"]


def test_rates_hold_over_several_orchestrators_and_their_store_comes_and_goes_with_them(
    workspace: MakeStack, api: APIClient
) -> None:
    stack = workspace()
    stack.up()
    before = stack.containers()
    assert "valkey" not in before
    keys = {name: created(stack, name, "30/h") for name in ("burst", "restarted", "emptied")}
    stack.ok("scale", "orchestrator=2")
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
    less = stack.ok("scale", "orchestrator=1", "--json").document
    assert ("remove container", "valkey") in [(step["verb"], step["subject"]) for step in less["steps"]]
    assert stack.containers() == before
    assert stack.ok("health", "--json").document["healthy"]
    assert ask_once(stack.endpoint(), created(stack, "after", "5/h")) == 200

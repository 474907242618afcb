"""Health from outside: layers, and waiting for readiness."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from docgenctl.endpoint import McpEndpoint, probe_discover, probe_gateway, probe_tool, wait_until_ready
from docgenctl.model.health import LayerResult
from tests.unit.endpoint.running import Stack


@pytest.fixture
def unready(shared: Stack) -> Stack:
    """The shared server, which says that it is not ready."""
    for name in ("ready", "asked"):
        (shared.signals / name).unlink(missing_ok=True)
    return shared


class Clock:
    """Time that passes only by pausing."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_each_layer_of_a_healthy_stack_is_ok_and_timed(shared: Stack, client: McpEndpoint) -> None:
    layers = [
        probe_gateway(shared.endpoint),
        probe_discover(client),
        probe_tool(client, "echo", {"text": "x"}),
    ]
    assert [(layer.layer, layer.ok) for layer in layers] == [
        ("gateway", True),
        ("discover", True),
        ("tool", True),
    ]
    assert all(0 < layer.latency_ms < 5000 for layer in layers)
    assert layers[0].subject == shared.endpoint.authority
    assert "2026-07-28" in layers[1].detail


def test_the_gateway_is_probed_without_the_key(shared: Stack, tmp_path: Path) -> None:
    assert probe_gateway(replace(shared.endpoint, api_key_file=tmp_path / "missing")).ok


def test_a_wrong_key_fails_from_discover_on(shared: Stack, tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("dgk_wrong")
    endpoint = replace(shared.endpoint, api_key_file=tmp_path / "api-key")
    with McpEndpoint(endpoint) as client:
        assert probe_gateway(endpoint).ok
        assert not probe_discover(client).ok
        result = probe_tool(client, "echo", {"text": "x"})
    assert not result.ok
    assert "does not accept" in result.detail
    assert "dgk_wrong" not in result.detail


@pytest.mark.parametrize(("tool", "word"), [("fail", "luck"), ("no-such", "no-such")])
def test_a_tool_that_fails_is_not_ok_and_says_why(client: McpEndpoint, tool: str, word: str) -> None:
    result = probe_tool(client, tool, {})
    assert not result.ok
    assert word in result.detail
    assert "\x1b" not in result.detail


def test_a_dead_stack_is_not_ok_at_any_layer(own: Stack) -> None:
    own.process.kill()
    own.process.wait()
    with McpEndpoint(own.endpoint) as client:
        for result in (probe_gateway(own.endpoint), probe_discover(client), probe_tool(client, "echo", {})):
            assert not result.ok
            assert "nothing answers" in result.detail


def test_waiting_ends_as_soon_as_it_is_ready(unready: Stack) -> None:
    found: list[LayerResult] = []
    clock = Clock()
    waiter = threading.Thread(
        target=lambda: found.append(wait_until_ready(unready.endpoint, deadline=clock() + 1e9, clock=clock))
    )
    waiter.start()
    asked = unready.signals / "asked"
    for _ in range(1000):
        if asked.exists():
            break
        threading.Event().wait(0.01)
    assert not found
    (unready.signals / "ready").touch()
    waiter.join(timeout=10)
    assert [(result.ok, result.detail) for result in found] == [(True, "ready")]


def test_waiting_ends_at_the_deadline_with_what_was_seen_last(unready: Stack) -> None:
    clock = Clock()
    result = wait_until_ready(unready.endpoint, deadline=clock() + 0.1, clock=clock, pause=clock.pause)
    assert (result.layer, result.ok, result.detail) == ("ready", False, "degraded: github")
    assert sum(clock.pauses) == pytest.approx(0.1)
    assert max(clock.pauses) <= 0.05
    assert result.latency_ms == pytest.approx(100)


def test_waiting_asks_once_even_after_the_deadline(unready: Stack) -> None:
    (unready.signals / "ready").touch()
    clock = Clock()
    assert wait_until_ready(unready.endpoint, deadline=clock() - 5, clock=clock, pause=clock.pause).ok
    assert clock.pauses == []


def test_waiting_ends_when_told_that_it_is_in_vain(unready: Stack) -> None:
    clock = Clock()
    result = wait_until_ready(
        unready.endpoint,
        deadline=clock() + 60,
        clock=clock,
        pause=clock.pause,
        stopped=lambda: clock() > 100.5,
    )
    assert not result.ok
    assert clock() < 101


def test_waiting_for_what_is_not_there_says_so(own: Stack) -> None:
    own.process.kill()
    own.process.wait()
    clock = Clock()
    result = wait_until_ready(own.endpoint, deadline=clock() + 0.2, clock=clock, pause=clock.pause)
    assert not result.ok
    assert "nothing answers" in result.detail

"""Canaries against a real server: what fails at first may work a moment later, and what does not is told."""

from collections.abc import Iterator

import pytest

from docgenctl.actions import call_canaries
from docgenctl.actions.call_canaries import prove_canaries
from docgenctl.model.errors import NotHealthyError
from tests.unit.endpoint.running import Stack, start, stop


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = start(tmp_path_factory.mktemp("served"))
    yield stack
    stop(stack)


def test_every_call_is_told_in_order(served: Stack) -> None:
    proofs = prove_canaries([("echo", {"text": "a"}), ("second_wind", {"name": "b"})], served.endpoint)
    assert [(proof.subject, proof.ok) for proof in proofs] == [("echo", True), ("second_wind", True)]


def test_a_call_that_fails_once_is_tried_again(served: Stack) -> None:
    (proof,) = prove_canaries([("second_wind", {"name": "c"})], served.endpoint)
    assert proof.ok


def test_a_stack_whose_tool_keeps_failing_is_not_up(served: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_canaries, "PATIENCE_S", 0.5)
    with pytest.raises(NotHealthyError, match="the stack runs, but fail fails") as caught:
        prove_canaries([("echo", {"text": "a"}), ("fail", {})], served.endpoint)
    assert caught.value.code == "not_proved"
    assert len(caught.value.details) == 1

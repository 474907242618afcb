"""What people are told of a container that is not well."""

from datetime import UTC, datetime
from typing import Any

import pytest

from docgenctl.model.observed import Health, ObservedContainer
from docgenctl.planning.explain_end import explain_end, explain_trouble, in_trouble

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def container(**facts: Any) -> ObservedContainer:
    """Running since half a minute, unless the facts say otherwise."""
    plain: dict[str, Any] = {
        "id": "1",
        "name": "p-main-1",
        "service": "main",
        "state": "running",
        "health": Health.HEALTHY,
        "exit_code": 0,
        "oom_killed": False,
        "restarts": 0,
        "started_at": "2026-01-01T12:00:00.123456789Z",
        "image": "i",
        "image_id": "sha256:1",
        "labels": {},
    }
    return ObservedContainer(**plain | facts)


def test_of_one_that_runs_nothing_is_told() -> None:
    assert explain_trouble(container(), NOW) == ""
    assert not in_trouble(container(restarts=3, started_at="2026-01-01T11:00:00Z"), NOW)


def test_one_in_the_engines_pause_is_told_with_reason_count_and_last_words() -> None:
    seen = container(state="restarting", exit_code=78, restarts=4)
    assert explain_trouble(seen, NOW, "no key") == (
        "refused its settings (exit code 78); started again 4 times, and will be again; last words: no key"
    )


def test_one_that_was_just_started_again_is_told_though_it_runs() -> None:
    assert explain_trouble(container(restarts=1), NOW, "bye") == (
        "started again 1 time, last 30 s ago; last words: bye"
    )


def test_memory_is_named_before_the_exit_code() -> None:
    seen = container(state="exited", exit_code=137, oom_killed=True)
    assert explain_trouble(seen, NOW) == "ran out of memory; give it more under limits in docgen.yaml"


def test_one_that_was_cut_when_it_was_stopped_is_not_said_to_have_been_killed_by_somebody() -> None:
    seen = container(state="exited", exit_code=137)
    assert explain_trouble(seen, NOW) == "was stopped and did not end in time, or was killed (exit code 137)"


@pytest.mark.parametrize(
    "facts", [{"state": "exited"}, {"state": "exited", "exit_code": 143}, {"state": "paused"}]
)
def test_one_that_was_stopped_on_purpose_is_in_no_trouble(facts: dict[str, Any]) -> None:
    assert explain_trouble(container(**facts), NOW) == ""


def test_what_the_engine_says_of_one_that_never_ran_is_passed_on() -> None:
    seen = container(state="created", started_at="", exit_code=128, error="address already in use")
    assert explain_trouble(seen, NOW) == "address already in use"


@pytest.mark.parametrize(
    ("code", "words"), [(1, "ended with exit code 1"), (137, "was killed"), (139, "segmentation fault")]
)
def test_exit_codes_are_told_in_words(code: int, words: str) -> None:
    assert words in explain_end(code, oom=False)

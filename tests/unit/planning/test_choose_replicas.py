"""How many orchestrators run, and who may run several times."""

from typing import Any

import pytest

from docgenctl.model.errors import RefusedError, UsageError
from docgenctl.model.settings import Settings
from docgenctl.model.state import Scaled
from docgenctl.planning.choose_replicas import (
    limits_are_shared,
    refuse_impossible,
    refuse_shared_limits,
    replicas_wanted,
)


def settings(**orchestrator: Any) -> Settings:
    return Settings.model_validate(
        {"orchestrator": orchestrator, "servers": {"main": {}, "docs": {"image": "main"}}}
    )


@pytest.mark.parametrize(
    ("configured", "scaled", "wanted"),
    [
        (1, None, 1),
        (3, None, 3),
        (1, Scaled(replicas=2, configured=1), 2),
        (2, Scaled(replicas=1, configured=2), 1),
        (3, Scaled(replicas=2, configured=1), 3),  # the file has changed since
    ],
)
def test_what_was_said_last_wins(configured: int, scaled: Scaled | None, wanted: int) -> None:
    assert replicas_wanted(settings(replicas=configured), scaled) == wanted


@pytest.mark.parametrize("service", ["gateway", "egress", "main", "docs"])
def test_what_runs_once_is_refused_by_name_with_a_reason(service: str) -> None:
    refuse_impossible(settings(), {service: 1}, isolates=True)
    with pytest.raises(RefusedError, match=f"{service} runs once: ") as caught:
        refuse_impossible(settings(), {service: 2}, isolates=True)
    assert caught.value.code == "cannot_scale"


@pytest.mark.parametrize("count", [0, 9])
def test_counts_have_bounds(count: int) -> None:
    with pytest.raises(UsageError, match="out of bounds"):
        refuse_impossible(settings(), {"orchestrator": count}, isolates=True)


def test_sessions_and_processes_need_one_orchestrator() -> None:
    with pytest.raises(RefusedError, match="a session lives in one"):
        refuse_impossible(settings(legacy_sessions=True), {"orchestrator": 2}, isolates=True)
    with pytest.raises(RefusedError, match="without containers"):
        refuse_impossible(settings(), {"orchestrator": 2}, isolates=False)
    refuse_impossible(settings(), {"orchestrator": 8}, isolates=True)


@pytest.mark.parametrize(
    ("wanted", "replicas", "isolates", "shared"),
    [
        ("auto", 1, True, False),
        ("auto", 2, True, True),
        ("always", 1, True, True),
        ("never", 4, True, False),
        ("auto", 2, False, False),
    ],
)
def test_rates_are_counted_together_when_there_are_several_or_it_is_wanted(
    wanted: str, replicas: int, isolates: bool, shared: bool
) -> None:
    assert limits_are_shared(settings(shared_limits=wanted), replicas, isolates=isolates) is shared


def test_a_store_of_rates_that_cannot_be_is_refused() -> None:
    refuse_shared_limits(settings(shared_limits="always"), isolates=True)
    with pytest.raises(RefusedError, match="no store of rates") as caught:
        refuse_shared_limits(settings(shared_limits="always"), isolates=False)
    assert caught.value.code == "cannot_share_limits"

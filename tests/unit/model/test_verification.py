"""Figures of `verify`: by nearest rank, and good only when nothing was lost."""

import pytest

from docgenctl.model.verification import Cancels, Leg, Streams, Times, Verification

FINE = Leg(path="p", tool="t", first_ms=1.0, times=Times((1.0,)))


def streams(**wrong: int) -> Streams:
    none_wrong = {"lost": 0, "out_of_order": 0, "foreign": 0}
    return Streams(tool="t", streams=1, frames=3, first_frame=Times((1.0,)), **(none_wrong | wrong))


def test_shares_are_told_by_nearest_rank() -> None:
    times = Times(tuple(float(value) for value in range(100, 0, -1)))
    assert [times.at(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert Times((7.0,)).as_json() == {"count": 1, "p50_ms": 7.0, "p99_ms": 7.0, "max_ms": 7.0}
    assert Times(()).as_json() == {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}


@pytest.mark.parametrize(
    ("verification", "good"),
    [
        (Verification(through=FINE), True),
        (Verification(through=Leg(path="p", tool="t", first_ms=None, times=Times(()), failed=1)), False),
        (Verification(through=FINE, streams=streams()), True),
        (Verification(through=FINE, streams=streams(lost=1)), False),
        (Verification(through=FINE, streams=streams(out_of_order=1)), False),
        (Verification(through=FINE, streams=streams(foreign=1)), False),
        (Verification(through=FINE, cancels=[Cancels(service="main", times=Times((1.0,)))]), True),
        (Verification(through=FINE, cancels=[Cancels(service="main", times=Times(()), unseen=1)]), False),
    ],
)
def test_a_stack_is_verified_only_when_nothing_failed_or_was_lost(
    verification: Verification, good: bool
) -> None:
    assert verification.good is good

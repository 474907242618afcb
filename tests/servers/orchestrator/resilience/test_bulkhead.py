"""How many calls run at once, and who may have how many of them."""

import pytest
from docgen_orchestrator.resilience.bulkhead import Bulkhead, BusyError
from docgen_orchestrator.resilience.retry_budget import RESERVE, RetryBudget


def test_one_key_leaves_room_for_another() -> None:
    bulkhead = Bulkhead(most=8)
    for _ in range(6):
        bulkhead.enter("noisy")
    with pytest.raises(BusyError) as refused:
        bulkhead.enter("noisy")
    assert refused.value.own
    bulkhead.enter("quiet")


def test_when_all_places_are_taken_everybody_is_refused_until_one_leaves() -> None:
    bulkhead = Bulkhead(most=4)
    for key in ("a", "a", "b", "c"):
        bulkhead.enter(key)
    with pytest.raises(BusyError) as refused:
        bulkhead.enter("d")
    assert not refused.value.own
    bulkhead.leave("a")
    bulkhead.enter("d")
    assert bulkhead.inside == 4


def test_keys_that_left_are_not_remembered() -> None:
    bulkhead = Bulkhead()
    for number in range(1000):
        bulkhead.enter(f"key-{number}")
        bulkhead.leave(f"key-{number}")
    assert bulkhead.inside == 0
    assert not bulkhead._by_key


def test_retries_are_a_tenth_of_what_is_sent_once_the_reserve_is_used_up() -> None:
    budget = RetryBudget()
    assert sum(budget.take() for _ in range(100)) == RESERVE
    for _ in range(1000):
        budget.sent()
        budget.take()
    retried = 0
    for _ in range(1000):
        budget.sent()
        retried += budget.take()
    assert 98 <= retried <= 101

"""When calls to a server stop, and when they go on."""

from docgen_orchestrator.resilience.breaker import IN_A_ROW, LONGEST_PAUSE_S, Breaker


def tripped() -> Breaker:
    breaker = Breaker()
    for _ in range(IN_A_ROW):
        breaker.failed(now=0.0)
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker()
    assert [breaker.failed(now=0.0) for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    assert breaker.open


def test_a_success_in_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(20):
        breaker.succeeded()
    for _ in range(IN_A_ROW - 1):
        breaker.failed(now=0.0)
    breaker.succeeded()
    assert not any(breaker.failed(now=0.0) for _ in range(IN_A_ROW - 1))


def test_it_opens_when_every_other_call_of_many_fails() -> None:
    breaker = Breaker()
    opened = []
    for _ in range(10):
        breaker.succeeded()
        opened.append(breaker.failed(now=0.0))
    assert any(opened)


def test_one_call_in_ten_that_fails_keeps_it_closed() -> None:
    breaker = Breaker()
    for number in range(1000):
        if number % 10:
            breaker.succeeded()
        else:
            assert not breaker.failed(now=0.0)


def test_the_first_probe_is_due_at_once_and_an_answered_one_lets_calls_through() -> None:
    breaker = tripped()
    assert breaker.probe_due(now=0.0)
    breaker.probed(answered=True, now=0.0)
    assert not breaker.open


def test_the_first_failure_on_probation_opens_it_again_and_delays_the_next_probe() -> None:
    breaker = tripped()
    breaker.probed(answered=True, now=0.0)
    assert breaker.failed(now=10.0)
    assert not breaker.probe_due(now=10.1)
    assert breaker.probe_due(now=10.0 + LONGEST_PAUSE_S)


def test_the_first_success_on_probation_ends_it() -> None:
    breaker = tripped()
    breaker.probed(answered=True, now=0.0)
    breaker.succeeded()
    assert not breaker.failed(now=1.0)


def test_relapses_make_the_pause_longer_up_to_its_bound() -> None:
    breaker = tripped()
    pauses = []
    for round_ in range(12):
        now = round_ * 100.0
        breaker.probed(answered=True, now=now)
        breaker.failed(now=now)
        pauses.append(next(wait for wait in range(0, 10_000, 10) if breaker.probe_due(now + wait / 1000)))
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1] == LONGEST_PAUSE_S * 1000

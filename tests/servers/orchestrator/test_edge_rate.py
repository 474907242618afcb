"""The doors' count of requests of one address."""

from docgen_orchestrator.doors.edge_rate import EdgeRate


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_an_address_has_so_many_requests_in_a_window() -> None:
    rate = EdgeRate(3, 60, Clock())
    assert [rate.takes("192.0.2.1") for _ in range(5)] == [True, True, True, False, False]
    assert rate.takes("192.0.2.2")


def test_what_was_sent_before_counts_less_and_less() -> None:
    clock = Clock()
    clock.now_s = 1020.0  # a window begins
    rate = EdgeRate(4, 60, clock)
    assert all(rate.takes("a") for _ in range(4))
    clock.now_s += 60
    assert not rate.takes("a")
    clock.now_s += 45
    assert rate.takes("a")
    clock.now_s += 120
    assert all(rate.takes("a") for _ in range(4))


def test_an_ipv6_caller_has_a_network_to_itself() -> None:
    rate = EdgeRate(1, 60, Clock())
    assert rate.takes("2001:db8::1")
    assert not rate.takes("2001:db8::2")
    assert rate.takes("2001:db8:0:1::1")

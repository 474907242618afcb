"""How long a verdict on readiness is remembered."""

import pytest
from docgen_common import health
from docgen_common.health import CheckResult, Readiness

pytestmark = pytest.mark.anyio


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """A check that counts how often it is asked, and finds what it is told."""

    def __init__(self) -> None:
        self.times = 0
        self.ok = True

    async def __call__(self) -> CheckResult:
        self.times += 1
        return CheckResult(self.ok)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health, "monotonic", clock)
    return clock


async def test_what_is_well_is_asked_once_a_second_however_often_somebody_asks(clock: Clock) -> None:
    check = Asked()
    readiness = Readiness({"disk": check})
    for _ in range(5):
        assert (await readiness.results())["disk"].ok
        clock.now += 0.15
    assert check.times == 1
    clock.now += 0.5
    await readiness.results()
    assert check.times == 2


async def test_what_failed_is_asked_again_soon_because_somebody_waits_for_it(clock: Clock) -> None:
    check = Asked()
    check.ok = False
    readiness = Readiness({"disk": check})
    for _ in range(5):
        assert not (await readiness.results())["disk"].ok
    assert check.times == 1
    check.ok = True
    clock.now += 0.15
    assert (await readiness.results())["disk"].ok

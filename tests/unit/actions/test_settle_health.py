import threading
import time

from docgenctl.actions.settle_health import settle_health
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import ExecResult, Health, ObservedContainer
from tests.contract.fake_engine import FakeEngine
from tests.unit.planning.machines import make_stack, running, seen


def starting(engine: FakeEngine) -> tuple[ObservedContainer, ...]:
    """All containers as they are before the engine's first check."""
    for container in engine.containers.values():
        container.becomes(health=Health.STARTING, health_command=("check",))
    return seen(engine).containers


def test_a_check_that_passes_here_settles_it_and_one_that_fails_leaves_it_to_the_engine() -> None:
    engine = running(make_stack())
    engine.on_execute = lambda container, _: ExecResult(exit_code=int(container.service == "main"), output="")
    settled = {c.service: c.health for c in settle_health(starting(engine), engine)}
    assert settled.pop("main") is Health.STARTING
    assert set(settled.values()) == {Health.HEALTHY}


def test_a_check_that_hangs_holds_nobody_up() -> None:
    engine = running(make_stack())
    released = threading.Event()

    def hang(container: ObservedContainer, _: tuple[str, ...]) -> ExecResult:
        if container.service == "main":
            released.wait(30)
        return ExecResult(exit_code=0, output="")

    engine.on_execute = hang
    begun = time.monotonic()
    settled = {c.service: c.health for c in settle_health(starting(engine), engine, within_s=0.2)}
    assert time.monotonic() - begun < 5
    assert settled["main"] is Health.STARTING
    assert settled["egress"] is Health.HEALTHY
    released.set()


def test_a_container_that_goes_meanwhile_keeps_the_engine_s_word() -> None:
    engine = running(make_stack())
    containers = starting(engine)
    engine.fail_next("execute", EngineError("gone"))
    assert sorted(c.health for c in settle_health(containers, engine)).count(Health.STARTING) == 1


def test_what_is_settled_is_not_asked_again() -> None:
    engine = running(make_stack())
    asked: list[str] = []

    def ask(container: ObservedContainer, _: tuple[str, ...]) -> ExecResult:
        asked.append(container.service)
        return ExecResult(exit_code=0, output="")

    engine.on_execute = ask
    assert settle_health(seen(engine).containers, engine) == seen(engine).containers
    assert asked == []
    assert settle_health((), engine) == ()

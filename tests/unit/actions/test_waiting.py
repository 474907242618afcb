"""Crashes are seen at once; what does not become healthy in time is named, with its last words."""

import threading
import time
from pathlib import Path

import pytest

from docgenctl.actions.wait_until_healthy import wait_until_healthy
from docgenctl.actions.watch_crashes import CrashWatch, watch_crashes
from docgenctl.endpoint.address import Endpoint
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.observed import Health
from docgenctl.model.progress import Silent
from docgenctl.planning.reconcile import plan_up
from tests.contract.fake_engine import FakeEngine
from tests.contract.fake_parts import Program
from tests.unit.planning.machines import PROJECT, bring_up, make_stack, running, seen

NOWHERE = Endpoint(url="https://localhost:1/mcp", ca_file=Path("/none"), api_key_file=Path("/none"))


def wait(engine: FakeEngine, crashes: CrashWatch, *services: str, timeout_s: float = 10) -> None:
    wait_until_healthy(PROJECT, services, engine, NOWHERE, crashes, Silent(), timeout_s=timeout_s)


def until_crashed(crashes: CrashWatch) -> None:
    deadline = time.monotonic() + 10
    while not crashes.crashed():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_healthy_services_are_not_waited_for() -> None:
    engine = running(make_stack())
    with watch_crashes(engine, PROJECT) as crashes:
        begun = time.monotonic()
        wait(engine, crashes, "egress", "main")
    assert time.monotonic() - begun < 1


def test_waiting_ends_when_the_last_one_becomes_healthy() -> None:
    engine = running(make_stack())
    engine.set_health("egress", Health.STARTING)
    timer = threading.Timer(0.2, engine.set_health, ("egress", Health.HEALTHY))
    with watch_crashes(engine, PROJECT) as crashes:
        timer.start()
        wait(engine, crashes, "egress")
    timer.join()


def test_what_is_not_healthy_in_time_is_named_with_its_last_words() -> None:
    engine = FakeEngine()
    engine.programs["egress"] = Program(output=(("stderr", "cannot bind"),), health=Health.UNHEALTHY)
    bring_up(make_stack(), engine)
    with watch_crashes(engine, PROJECT) as crashes, pytest.raises(NotHealthyError) as caught:
        wait(engine, crashes, "main", "egress", timeout_s=0.3)
    assert caught.value.code == "not_in_time"
    assert caught.value.message == "the stack is not healthy after 0 s: egress"
    assert caught.value.details == ("egress | cannot bind",)


def test_last_words_are_not_those_about_our_asking() -> None:
    engine = FakeEngine()
    said = (
        "cannot bind",
        *['"GET","path":"\\/health\\/ready\\/main","status":503'] * 20,
        "GET /health/ready/main",
    )
    engine.programs["egress"] = Program(
        output=tuple(("stderr", line) for line in said), health=Health.UNHEALTHY
    )
    bring_up(make_stack(), engine)
    with watch_crashes(engine, PROJECT) as crashes, pytest.raises(NotHealthyError) as caught:
        wait(engine, crashes, "egress", timeout_s=0.3)
    assert caught.value.details == ("egress | cannot bind",)


def test_a_crash_ends_the_wait_at_once_with_exit_code_and_log() -> None:
    engine = FakeEngine()
    engine.programs["egress"] = Program(output=(("stderr", "cannot go on"),), health=Health.UNHEALTHY)
    bring_up(make_stack(), engine)
    with watch_crashes(engine, PROJECT) as crashes:
        threading.Timer(0.1, engine.crash, ("egress", 3)).start()
        begun = time.monotonic()
        with pytest.raises(NotHealthyError) as caught:
            wait(engine, crashes, "egress", timeout_s=30)
    assert time.monotonic() - begun < 5
    assert caught.value.code == "crashed"
    assert caught.value.message == "egress crashed while starting: it ended with exit code 3"
    assert "cannot go on" in caught.value.details


def test_running_out_of_memory_is_called_that() -> None:
    engine = running(make_stack())
    with watch_crashes(engine, PROJECT) as crashes:
        engine.crash("main", 137, oom=True)
        until_crashed(crashes)
        with pytest.raises(NotHealthyError, match="main crashed while starting: it ran out of memory"):
            crashes.raise_if_crashed()


def test_containers_that_the_plan_ends_did_not_crash() -> None:
    engine = running(make_stack())
    changed = make_stack({"servers": {"main": {"limits": {"memory": "600m"}}, "github": {}}})
    with watch_crashes(engine, PROJECT) as crashes:
        plan = plan_up(changed, seen(engine))
        crashes.expect_ends(plan)
        bring_up(changed, engine)
        engine.crash("github", 1)
        until_crashed(crashes)
        with pytest.raises(NotHealthyError, match="github crashed"):
            crashes.raise_if_crashed()


def test_a_container_that_crashed_while_its_removal_was_planned_did_not_crash_either() -> None:
    """A service in a restart loop is just what people run `up` to repair."""
    engine = running(make_stack())
    changed = make_stack({"servers": {"main": {"limits": {"memory": "600m"}}, "github": {}}})
    with watch_crashes(engine, PROJECT) as crashes:
        plan = plan_up(changed, seen(engine))
        engine.crash("main", 137, oom=True)
        until_crashed(crashes)
        crashes.expect_ends(plan)
        bring_up(changed, engine)
        wait(engine, crashes, "main")
        assert not crashes.crashed()


def test_without_a_crash_nothing_is_raised() -> None:
    with watch_crashes(running(make_stack()), PROJECT) as crashes:
        crashes.raise_if_crashed()
        assert not crashes.crashed()

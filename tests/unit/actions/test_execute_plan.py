import threading

import pytest

from docgenctl.actions.execute_plan import execute_plan
from docgenctl.model.errors import EngineError
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.progress import Silent
from docgenctl.model.stack import VolumeContent, VolumePurpose
from docgenctl.planning.lifecycle import plan_down
from docgenctl.planning.reconcile import plan_up
from tests.contract.fake_engine import FakeEngine
from tests.unit.actions.stage import Listener
from tests.unit.planning.machines import PROJECT, make_stack, running, seen


def fresh(engine: FakeEngine) -> Plan:
    stack = make_stack()
    for service in stack.services:
        engine.add_image(service.image)
    return plan_up(stack, engine.observe(stack.project))


def test_every_step_is_one_call_after_those_it_needs() -> None:
    engine = FakeEngine()
    plan = fresh(engine)
    execute_plan(plan, engine, Silent(), stack=make_stack())

    ids = [f"{method.replace('_', ' ')}:{subject}" for method, subject in engine.calls]
    assert sorted(ids) == sorted(step.id for step in plan.steps)
    for step in plan.steps:
        assert all(ids.index(need) < ids.index(step.id) for need in step.needs), step


def test_volumes_get_their_content_and_those_without_only_their_owner() -> None:
    engine = FakeEngine()
    plan = fresh(engine)
    content = VolumeContent(volume="main-config", version="a" * 64, files={"server.json": b"{}"})
    execute_plan(plan, engine, Silent(), stack=make_stack(), contents={"main-config": content})
    assert engine.volume("main-config").files == {"server.json": b"{}"}
    assert engine.volume("main-data").files == {}
    assert engine.volume("main-data").owner == "1000:1000"


def test_secrets_are_there_before_the_configuration_that_names_them() -> None:
    engine = FakeEngine()
    stack = make_stack()
    purposes = {volume.key: volume.purpose for volume in stack.volumes}
    execute_plan(fresh(engine), engine, Silent(), stack=stack)
    filled = [purposes[subject] for method, subject in engine.calls if method == "fill_volume"]
    assert VolumePurpose.SECRETS in filled
    assert VolumePurpose.CONFIG in filled
    last_secrets = max(at for at, purpose in enumerate(filled) if purpose is VolumePurpose.SECRETS)
    assert all(at > last_secrets for at, purpose in enumerate(filled) if purpose is not VolumePurpose.SECRETS)


def test_after_a_failure_nothing_is_begun_and_the_failure_is_raised() -> None:
    engine = FakeEngine()
    plan = fresh(engine)
    engine.fail_next("create_network", EngineError("the engine is full"))
    listener = Listener()

    with pytest.raises(EngineError, match="the engine is full"):
        execute_plan(plan, engine, listener, stack=make_stack())

    assert "start_container" not in {method for method, _ in engine.calls}
    assert any(said.startswith("failed network") for said in listener.said)


def test_what_was_done_before_a_failure_is_where_the_next_plan_starts() -> None:
    engine = FakeEngine()
    stack = make_stack()
    plan = fresh(engine)
    engine.fail_next("start_container", EngineError("no"))
    with pytest.raises(EngineError):
        execute_plan(plan, engine, Silent(), stack=stack)

    rest = plan_up(stack, seen(engine))
    assert 0 < len(rest.steps) < len(plan.steps)
    execute_plan(rest, engine, Silent(), stack=stack)
    assert plan_up(stack, seen(engine)).empty


def test_independent_steps_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)

    class Meeting(FakeEngine):
        def stop_container(self, container_id: str, grace_s: int) -> None:
            both.wait()

    steps = (
        Step(id="a", verb=Verb.STOP_CONTAINER, subject="a", cause="stop", target="1"),
        Step(id="b", verb=Verb.STOP_CONTAINER, subject="b", cause="stop", target="2"),
    )
    execute_plan(Plan(steps=steps), Meeting(), Silent())


def test_a_stop_gives_the_gateway_less_time_than_those_who_finish_calls() -> None:
    graces: dict[str, int] = {}

    class Noting(FakeEngine):
        def stop_container(self, container_id: str, grace_s: int) -> None:
            graces[container_id] = grace_s

    names = ("gateway", "orchestrator", "main")
    stops = tuple(
        Step(id=name, verb=Verb.STOP_CONTAINER, subject=name, cause="stop", target=name, service=name)
        for name in names
    )
    execute_plan(Plan(steps=stops), Noting(), Silent())
    assert graces == {"gateway": 5, "orchestrator": 12, "main": 12}


def test_a_plan_whose_steps_wait_for_each_other_is_a_bug_and_no_hang() -> None:
    steps = (
        Step(id="a", verb=Verb.REMOVE_NETWORK, subject="a", cause="", needs=frozenset({"b"})),
        Step(id="b", verb=Verb.REMOVE_NETWORK, subject="b", cause="", needs=frozenset({"a"})),
    )
    with pytest.raises(AssertionError, match="wait for each other"):
        execute_plan(Plan(steps=steps), FakeEngine(), Silent())


def test_an_empty_plan_calls_nothing() -> None:
    engine = FakeEngine()
    execute_plan(Plan(steps=()), engine, Silent())
    assert engine.calls == []


def test_down_needs_no_stack() -> None:
    engine = running(make_stack())
    execute_plan(plan_down(PROJECT, seen(engine), with_data=True), engine, Silent())
    assert seen(engine).containers == seen(engine).networks == seen(engine).volumes == ()

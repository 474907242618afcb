"""Whatever state an engine is in: one plan, run in any order that its needs allow, leads to the stack."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.actions.execute_plan import _Execution
from docgenctl.model.errors import EngineError
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Silent
from docgenctl.model.stack import Stack
from docgenctl.planning.lifecycle import plan_down
from docgenctl.planning.reconcile import plan_up
from tests.contract.fake_engine import FakeEngine
from tests.unit.planning.machines import (
    PROJECT,
    SUBNETS,
    Breaking,
    bring_up,
    drop_network,
    drop_volume,
    make_stack,
    seen,
    told,
)

SERVERS: list[Mapping[str, Any]] = [
    {},
    {"servers": {"main": {}}},
    {"servers": {"github": {}}},
    {"servers": {"main": {"limits": {"memory": "600m"}}, "other": {"image": "github"}}},
    {"servers": {"main": {}, "github": {}, "docs": {"image": "main"}}, "log_level": "debug"},
    {"servers": {}},
    {"servers": {"main": {}}, "orchestrator": {"replicas": 3}},
]


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """A stack of some servers; its subnets and ports may be those that another one had."""
    keys = list(SUBNETS)
    subnets = dict(zip(keys, draw(st.permutations(list(SUBNETS.values()))), strict=True))
    return make_stack(
        draw(st.sampled_from(SERVERS)),
        subnets=subnets if draw(st.booleans()) else None,
        ports=draw(st.sampled_from([{}, {"orchestrator": 8085}])),
        versions=draw(st.sampled_from([{}, {"main-config": "b" * 64}, {"gateway-secrets": "c" * 64}])),
        image=draw(st.sampled_from(["one", "two"])),
    )


STATES = ("running", "restarting", "exited", "paused", "dead", "created")


def in_state(index: int, state: str) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        containers = sorted(engine.containers.values(), key=lambda c: c.seen.name)
        if containers:
            containers[index % len(containers)].becomes(state=state)

    return breaking


def removed(index: int) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        containers = sorted(engine.containers, key=lambda i: engine.containers[i].seen.name)
        if containers:
            engine.remove_container(containers[index % len(containers)])

    return breaking


def doubled(index: int, name: str) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        containers = sorted(engine.containers.values(), key=lambda c: c.seen.name)
        if not containers:
            return
        twin = containers[index % len(containers)]
        key = f"twin-{name}"
        seen_twin = replace(twin.seen, id=key, name=f"{PROJECT}-{name}-2")
        engine.containers[key] = replace(twin, seen=seen_twin)

    return breaking


def off_network(index: int, key: str) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        containers = sorted(engine.containers, key=lambda i: engine.containers[i].seen.name)
        if containers:
            engine.disconnect_network(containers[index % len(containers)], f"{PROJECT}_{key}")

    return breaking


def on_network(index: int) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        containers = sorted(engine.containers.values(), key=lambda c: c.seen.name)
        if containers:
            container = containers[index % len(containers)]
            container.becomes(networks={**container.seen.networks, "bridge": "172.17.0.9"})

    return breaking


breakings = st.lists(
    st.one_of(
        st.builds(in_state, st.integers(0, 9), st.sampled_from(STATES)),
        st.builds(removed, st.integers(0, 9)),
        st.builds(doubled, st.integers(0, 9), st.sampled_from(["a", "z"])),
        st.builds(drop_network, st.sampled_from(list(SUBNETS))),
        st.builds(off_network, st.integers(0, 9), st.sampled_from(list(SUBNETS))),
        st.builds(on_network, st.integers(0, 9)),
        st.builds(drop_volume, st.sampled_from(["main-config", "main-data", "gateway-secrets"])),
    ),
    max_size=5,
)


def run_in_any_order(plan: Plan, engine: FakeEngine, stack: Stack | None, random: Random) -> None:
    """Every step once, each after what it needs, otherwise in no order."""
    execution = _Execution(engine, Silent(), stack, {}, engine.taken_over.__setitem__)
    execution.expect(plan)
    waiting = {step.id: step for step in plan.steps}
    assert len(waiting) == len(plan.steps)
    done: set[str] = set()
    while waiting:
        ready = sorted(step_id for step_id, step in waiting.items() if step.needs <= done)
        assert ready, f"steps wait for each other: {sorted(waiting)}"
        step = waiting.pop(random.choice(ready))
        execution._carry_out((step,))
        done.add(step.id)


def assert_exactly(stack: Stack, engine: FakeEngine) -> None:
    observation = seen(engine)
    wanted_names = [s.name_of(number) for s in stack.services for number in range(1, s.replicas + 1)]
    assert sorted(c.name for c in observation.containers) == sorted(wanted_names)
    assert {n.name: n.subnet for n in observation.networks} == {n.name: n.subnet for n in stack.networks}
    wanted = {volume.name for volume in stack.volumes}
    surplus = {volume.name for volume in observation.volumes} - wanted
    assert wanted <= {volume.name for volume in observation.volumes}
    assert all(name.endswith("-data") for name in surplus)
    for container in observation.containers:
        service = stack.service(container.service)
        assert container.state in ("running", "restarting")
        assert set(container.networks) == {stack.network(place.network).name for place in service.networks}
        for mount in service.volumes:
            assert engine.volume(stack.volume(mount.volume).name).owner == service.user


@settings(max_examples=250, deadline=None)
@given(before=stacks(), after=stacks(), breakings=breakings, random=st.randoms(use_true_random=False))
def test_one_plan_leads_from_any_state_to_the_stack(
    before: Stack, after: Stack, breakings: list[Breaking], random: Random
) -> None:
    engine = FakeEngine()
    bring_up(before, engine)
    for breaking in breakings:
        breaking(engine)
    for service in after.services:
        engine.add_image(service.image)

    plan = plan_up(after, seen(engine))
    run_in_any_order(plan, engine, after, random)

    assert_exactly(after, engine)
    assert told(plan_up(after, seen(engine))) == []


@settings(max_examples=150, deadline=None)
@given(
    before=stacks(),
    after=stacks(),
    left=st.integers(min_value=0, max_value=80),
    random=st.randoms(use_true_random=False),
)
def test_a_plan_that_was_cut_off_anywhere_is_finished_by_the_next_one(
    before: Stack, after: Stack, left: int, random: Random
) -> None:
    engine = FakeEngine()
    bring_up(before, engine)
    for service in after.services:
        engine.add_image(service.image)

    whole = plan_up(after, seen(engine))
    cut = Plan(steps=whole.steps[:left])  # steps stand in an order in which they may run
    run_in_any_order(cut, engine, after, random)
    run_in_any_order(plan_up(after, seen(engine)), engine, after, random)

    assert_exactly(after, engine)
    assert told(plan_up(after, seen(engine))) == []


@settings(max_examples=100, deadline=None)
@given(
    stack=stacks(),
    breakings=breakings,
    with_data=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_down_leaves_nothing_but_data(
    stack: Stack, breakings: list[Breaking], with_data: bool, random: Random
) -> None:
    engine = FakeEngine()
    bring_up(stack, engine)
    for breaking in breakings:
        breaking(engine)
    data = set() if with_data else {name for name in engine.volumes if name.endswith("-data")}

    run_in_any_order(plan_down(PROJECT, seen(engine), with_data=with_data), engine, None, random)

    observation = seen(engine)
    assert observation.containers == ()
    assert observation.networks == ()
    assert {volume.name for volume in observation.volumes} == data


def test_the_fake_engine_would_notice_a_wrong_order() -> None:
    """What the tests above rest on."""
    engine = FakeEngine()
    stack = make_stack()
    bring_up(stack, engine)
    name = stack.network("mcp-main").name
    with pytest.raises(EngineError, match="active endpoints"):
        engine.remove_network(name)

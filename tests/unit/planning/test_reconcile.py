"""Plans compared whole, as people read them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docgenctl.model.errors import RefusedError
from docgenctl.model.plan import Plan, Verb
from docgenctl.model.project import Project
from docgenctl.model.stack import LABEL_PROJECT_ID, Stack
from docgenctl.planning.lifecycle import plan_down, plan_start, plan_stop
from docgenctl.planning.reconcile import plan_up, refuse_foreign
from tests.contract.fake_engine import FakeEngine
from tests.unit.planning.machines import (
    PROJECT,
    SUBNETS,
    Breaking,
    bring_up,
    container_of,
    drop_network,
    drop_volume,
    make_stack,
    pause,
    remove,
    running,
    seen,
    stop,
    told,
)

SMALL: dict[str, Any] = {"servers": {"main": {}}}


def after(breaking: Breaking, wanted: Stack | None = None, **options: Any) -> list[str]:
    """What `up` would do on a running stack to which this happened."""
    engine = running(make_stack())
    breaking(engine)
    return told(plan_up(wanted or make_stack(), seen(engine), **options))


def nothing(engine: FakeEngine) -> None:
    """Leave it as it is."""


def recreated(service: str, cause: str, *volumes: str) -> list[str]:
    return [
        f"stop container {service} ({cause})",
        f"remove container {service} ({cause})",
        *(f"fill volume {service}-{volume} ({cause})" for volume in volumes),
        f"create container {service} ({cause})",
        f"start container {service} ({cause})",
    ]


MAIN = ("config", "secrets", "scratch", "data")


def test_on_an_empty_engine_everything_is_made_from_the_ground_up() -> None:
    plan = plan_up(make_stack(SMALL), FakeEngine().observe(PROJECT))
    assert told(plan) == [
        "create network mcp-frontend (missing)",
        "create network mcp-orchestrator (missing)",
        "create network mcp-main (missing)",
        "create network mcp-egress (missing)",
        "create volume main-config (missing)",
        "create volume main-secrets (missing)",
        "create volume main-scratch (missing)",
        "create volume main-data (missing)",
        "create volume egress-config (missing)",
        "create volume orchestrator-config (missing)",
        "create volume orchestrator-secrets (missing)",
        "create volume gateway-config (missing)",
        "create volume gateway-secrets (missing)",
        "fill volume main-config (missing)",
        "fill volume main-secrets (missing)",
        "fill volume main-scratch (missing)",
        "fill volume main-data (missing)",
        "create container main (missing)",
        "start container main (missing)",
        "fill volume egress-config (missing)",
        "create container egress (missing)",
        "start container egress (missing)",
        "fill volume orchestrator-config (missing)",
        "fill volume orchestrator-secrets (missing)",
        "create container orchestrator (missing)",
        "start container orchestrator (missing)",
        "fill volume gateway-config (missing)",
        "fill volume gateway-secrets (missing)",
        "create container gateway (missing)",
        "start container gateway (missing)",
    ]


def test_steps_need_what_they_use_and_services_start_when_those_they_depend_on_are_there() -> None:
    plan = plan_up(make_stack(SMALL), FakeEngine().observe(PROJECT))
    needs = {step.id: set(step.needs) for step in plan.steps}
    assert needs["create container:main"] == {
        "create network:mcp-main",
        "fill volume:main-config",
        "fill volume:main-secrets",
        "fill volume:main-scratch",
        "fill volume:main-data",
    }
    assert needs["fill volume:main-config"] == {"create volume:main-config"}
    assert needs["start container:main"] == {"create container:main"}
    assert needs["start container:orchestrator"] == {"create container:orchestrator", "create container:main"}
    assert needs["start container:gateway"] == {"create container:gateway", "create container:orchestrator"}


def test_a_stack_that_runs_as_configured_needs_nothing() -> None:
    assert plan_up(make_stack(), seen(running(make_stack()))).empty


def test_a_service_that_is_restarted_by_the_engine_is_left_alone() -> None:
    def restarting(engine: FakeEngine) -> None:
        engine.containers[container_of(engine, "main")].becomes(state="restarting")

    assert after(restarting) == []


def test_a_changed_service_is_recreated_alone() -> None:
    wanted = make_stack({"servers": {"main": {"limits": {"memory": "600m"}}, "github": {}}})
    assert after(nothing, wanted) == recreated("main", "its definition changed", *MAIN)


def test_changed_contents_are_named_as_the_cause() -> None:
    engine = running(make_stack(versions={"main-config": "a" * 64}))
    plan = plan_up(make_stack(versions={"main-config": "b" * 64}), seen(engine))
    assert told(plan) == recreated("main", "its configuration or secrets changed", *MAIN)


def test_a_changed_image_is_named_by_both_references() -> None:
    stack = make_stack()
    services = (replace(stack.services[0], image="github:two"), *stack.services[1:])
    cause = "image github:one → github:two"
    wanted = replace(stack, services=services)
    assert after(nothing, wanted) == recreated("github", cause, "config", "secrets", "scratch")


def test_a_changed_port_recreates_the_gateway_alone() -> None:
    wanted = make_stack(ports={"main": 3299})
    assert after(nothing, wanted) == recreated("gateway", "its ports changed", "config", "secrets")


def test_a_changed_subnet_renews_the_network_while_everybody_on_it_runs() -> None:
    wanted = make_stack(subnets={"mcp-egress": "10.99.0.0/28"})
    assert after(nothing, wanted) == [
        f"disconnect egress from network {PROJECT}_mcp-egress (the network changes)",
        "remove network mcp-egress (subnet 10.213.22.0/28 → 10.99.0.0/28)",
        "create network mcp-egress (changed)",
        "connect egress to network mcp-egress (the network is new)",
    ]


def test_a_changed_subnet_of_the_network_with_published_ports_renews_the_gateway() -> None:
    wanted = make_stack(subnets={"mcp-frontend": "10.99.0.0/28"})
    cause = "network mcp-frontend changes"
    assert after(nothing, wanted) == [
        f"stop container gateway ({cause})",
        f"remove container gateway ({cause})",
        "remove network mcp-frontend (subnet 10.213.16.0/28 → 10.99.0.0/28)",
        "create network mcp-frontend (changed)",
        "fill volume gateway-config (its network changes)",
        "fill volume gateway-secrets (its network changes)",
        "create container gateway (its network changes)",
        "start container gateway (its network changes)",
    ]


def test_a_further_server_joins_and_nobody_but_the_gateway_with_its_new_ports_is_recreated() -> None:
    wanted = make_stack({"servers": {"main": {}, "github": {}, "other": {"image": "github"}}})
    plan = plan_up(wanted, seen(running(make_stack())))
    assert plan.touching(Verb.CREATE_CONTAINER) == ("other", "gateway")
    assert [step for step in told(plan) if step.startswith("connect")] == [
        "connect egress to network mcp-other (the network is new)",
        "connect orchestrator to network mcp-other (the network is new)",
    ]
    joins = [step for step in plan.steps if step.verb is Verb.CONNECT_NETWORK]
    assert all(step.needs == {"create network:mcp-other"} for step in joins)


@pytest.mark.parametrize(
    ("key", "steps"),
    [
        ("gateway-config", ["reload gateway (configuration changed)"]),
        ("gateway-secrets", ["reload gateway (secrets changed)"]),
        ("egress-config", ["reload egress (configuration changed)"]),
    ],
)
def test_a_service_that_can_reload_takes_over_new_contents_as_it_runs(key: str, steps: list[str]) -> None:
    keys = ("gateway-config", "gateway-secrets", "egress-config")
    before = dict.fromkeys(keys, "a" * 64)
    engine = running(make_stack(versions=before))
    after_change = make_stack(versions=before | {key: "b" * 64})
    assert told(plan_up(after_change, seen(engine))) == steps
    bring_up(after_change, engine)
    assert plan_up(after_change, seen(engine)).empty
    # And back again, which the label of its container has named all along.
    assert told(plan_up(make_stack(versions=before), seen(engine))) == steps


def test_a_reload_that_nobody_remembers_is_done_again() -> None:
    engine = running(make_stack(versions={"egress-config": "a" * 64}))
    wanted = make_stack(versions={"egress-config": "b" * 64})
    bring_up(wanted, engine)
    engine.taken_over.clear()
    assert told(plan_up(wanted, seen(engine))) == ["reload egress (configuration changed)"]


def test_a_service_that_can_reload_and_does_not_run_is_made_anew() -> None:
    engine = running(make_stack(versions={"egress-config": "a" * 64}))
    stop("egress")(engine)
    plan = plan_up(make_stack(versions={"egress-config": "b" * 64}), seen(engine))
    assert plan.touching(Verb.CREATE_CONTAINER) == ("egress",)


def test_a_reload_comes_after_the_networks_that_it_may_speak_of() -> None:
    engine = running(make_stack(versions={"egress-config": "a" * 64}))
    wanted = make_stack(
        {"servers": {"main": {}, "github": {}, "other": {"image": "github"}}},
        versions={"egress-config": "b" * 64},
    )
    plan = plan_up(wanted, seen(engine))
    reload = next(step for step in plan.steps if step.verb is Verb.RELOAD_CONTAINER)
    assert reload.needs == {"connect:egress:mcp-other"}


def test_two_networks_that_swap_their_subnets_are_both_gone_before_either_is_made() -> None:
    before = make_stack()
    one, other = before.network("mcp-main").subnet, before.network("mcp-github").subnet
    engine = running(before)
    plan = plan_up(make_stack(subnets={"mcp-main": other, "mcp-github": one}), seen(engine))
    needs = {step.id: step.needs for step in plan.steps}
    removals = {"remove network:mcp-main", "remove network:mcp-github"}
    assert removals <= needs["create network:mcp-main"]
    assert removals <= needs["create network:mcp-github"]


def test_a_subnet_that_an_unwanted_network_holds_is_freed_first() -> None:
    before = make_stack()
    engine = running(before)
    wanted = make_stack(
        {"servers": {"main": {}, "other": {"image": "github"}}},
        subnets={"mcp-other": before.network("mcp-github").subnet},
    )
    plan = plan_up(wanted, seen(engine))
    step = next(step for step in plan.steps if step.id == "create network:mcp-other")
    assert f"remove network:{PROJECT}_mcp-github" in step.needs


def test_a_missing_network_is_made_and_its_services_are_put_on_it() -> None:
    assert after(drop_network("mcp-main")) == [
        "create network mcp-main (missing)",
        "connect main to network mcp-main (the network is new)",
        "connect egress to network mcp-main (the network is new)",
        "connect orchestrator to network mcp-main (the network is new)",
    ]


def test_a_missing_volume_is_made_and_filled_and_its_service_recreated() -> None:
    assert after(drop_volume("github-secrets")) == [
        "create volume github-secrets (missing)",
        *recreated("github", "volume github-secrets is missing", "config", "secrets", "scratch"),
    ]


def test_a_stopped_container_is_started_as_it_is() -> None:
    assert after(stop("main")) == ["start container main (stopped)"]


def test_a_paused_container_goes_on() -> None:
    assert after(pause("main")) == ["start container main (paused)"]


def test_a_container_that_was_created_and_never_started_is_started() -> None:
    def created(engine: FakeEngine) -> None:
        engine.containers[container_of(engine, "main")].becomes(state="created", networks={})

    assert after(created) == ["start container main (stopped)"]


def test_a_dead_container_is_replaced() -> None:
    def dead(engine: FakeEngine) -> None:
        engine.containers[container_of(engine, "main")].becomes(state="dead")

    assert after(dead) == recreated("main", "dead", *MAIN)[1:]


def test_a_removed_container_is_made_again() -> None:
    assert after(remove("egress")) == [
        "fill volume egress-config (missing)",
        "create container egress (missing)",
        "start container egress (missing)",
    ]


def test_several_stopped_containers_start_in_order() -> None:
    def breaking(engine: FakeEngine) -> None:
        for service in ("gateway", "orchestrator", "main"):
            stop(service)(engine)

    assert after(breaking) == [
        "start container main (stopped)",
        "start container orchestrator (stopped)",
        "start container gateway (stopped)",
    ]


def test_a_service_that_is_asked_for_is_recreated_though_nothing_changed() -> None:
    steps = after(nothing, recreate=frozenset({"egress"}))
    assert steps == recreated("egress", "asked for", "config")


def test_a_server_that_was_switched_off_goes_with_its_network_and_all_but_its_data() -> None:
    gone = "no longer part of the stack"
    engine = running(make_stack())
    plan = plan_up(make_stack(SMALL), seen(engine))
    assert told(plan)[:2] == [f"stop container github ({gone})", f"remove container github ({gone})"]
    assert told(plan)[-3:] == [
        f"remove volume {PROJECT}_github-config ({gone})",
        f"remove volume {PROJECT}_github-secrets ({gone})",
        f"remove volume {PROJECT}_github-scratch ({gone})",
    ]
    assert f"remove network {PROJECT}_mcp-github ({gone})" in told(plan)
    assert "main" not in plan.touching(Verb.REMOVE_CONTAINER)


def test_data_of_a_server_that_was_switched_off_stays() -> None:
    engine = running(make_stack())
    plan = plan_up(make_stack({"servers": {"github": {}}}), seen(engine))
    removed = plan.touching(Verb.REMOVE_VOLUME)
    assert f"{PROJECT}_main-scratch" in removed
    assert f"{PROJECT}_main-data" not in removed


def second_container(engine: FakeEngine) -> None:
    """As `docker compose up --scale main=2` leaves it."""
    stack = make_stack()
    service = replace(stack.service("main"), container_name=f"{PROJECT}-main-2", ports=())
    engine.start_container(engine.create_container(service, stack))


def test_a_second_container_of_a_service_is_removed() -> None:
    cause = "a second container of the same service"
    assert after(second_container) == [
        f"stop container {PROJECT}-main-2 ({cause})",
        f"remove container {PROJECT}-main-2 ({cause})",
    ]


def test_a_service_is_made_only_when_a_container_of_the_same_name_is_gone() -> None:
    engine = running(make_stack())
    second_container(engine)
    # The engine may tell the containers in any order.
    observation = seen(engine)
    observation = replace(observation, containers=tuple(reversed(observation.containers)))
    plan = plan_up(make_stack({"log_level": "debug"}), observation)
    step = next(step for step in plan.steps if step.id == "create container:main")
    assert {"remove container:main", f"remove container:{PROJECT}-main-1"} <= step.needs


# -- whose is it ---------------------------------------------------------------------------------------
HERE = Project(name=PROJECT, id="0123456789abcdef", directory=Path("/home/user/demo"))


def test_our_own_stack_is_not_foreign() -> None:
    refuse_foreign(HERE, seen(running(make_stack())))


def test_the_stack_of_another_directory_is_refused_by_name() -> None:
    elsewhere = replace(HERE, id="f" * 16, directory=Path("/home/user/other"))
    with pytest.raises(RefusedError) as caught:
        refuse_foreign(elsewhere, seen(running(make_stack())))
    assert caught.value.code == "foreign_project"
    assert "/home/user/demo" in caught.value.message
    assert "project:" in caught.value.hint


def test_the_data_of_another_directory_whose_stack_is_down_is_refused_by_name() -> None:
    elsewhere = replace(HERE, id="f" * 16, directory=Path("/home/user/other"))
    left = replace(seen(running(make_stack())), containers=(), networks=())
    with pytest.raises(RefusedError, match=r"volume \S+ was made for it") as caught:
        refuse_foreign(elsewhere, left)
    assert caught.value.code == "foreign_project"
    refuse_foreign(HERE, left)


def unlabelled(engine: FakeEngine) -> None:
    for container in engine.containers.values():
        labels = {k: v for k, v in container.seen.labels.items() if k != LABEL_PROJECT_ID}
        container.becomes(labels=labels)


def test_what_compose_started_in_this_directory_is_ours() -> None:
    engine = running(make_stack())
    unlabelled(engine)
    refuse_foreign(HERE, seen(engine))


def test_what_compose_started_in_another_directory_is_refused() -> None:
    engine = running(make_stack())
    unlabelled(engine)
    with pytest.raises(RefusedError):
        refuse_foreign(replace(HERE, directory=Path("/home/user/other")), seen(engine))


# -- down, stop, start -----------------------------------------------------------------------------------
def test_down_removes_containers_then_networks_and_volumes_and_keeps_data() -> None:
    engine = running(make_stack(SMALL))
    plan = plan_down(PROJECT, seen(engine), with_data=False)
    assert told(plan) == [
        *(
            f"{verb} container {name} (down)"
            for name in ("egress", "gateway", "main", "orchestrator")
            for verb in ("stop", "remove")
        ),
        *(
            f"remove network {PROJECT}_mcp-{key} (down)"
            for key in ("egress", "frontend", "main", "orchestrator")
        ),
        *(
            f"remove volume {PROJECT}_{key} (down)"
            for key in (
                "main-config",
                "main-secrets",
                "main-scratch",
                "egress-config",
                "orchestrator-config",
                "orchestrator-secrets",
                "gateway-config",
                "gateway-secrets",
            )
        ),
    ]
    removals = {step.id for step in plan.steps if step.verb is Verb.REMOVE_CONTAINER}
    for step in plan.steps:
        if step.verb in (Verb.REMOVE_NETWORK, Verb.REMOVE_VOLUME):
            assert step.needs == removals


def test_down_with_data_removes_data_too() -> None:
    engine = running(make_stack(SMALL))
    plan = plan_down(PROJECT, seen(engine), with_data=True)
    assert f"{PROJECT}_main-data" in plan.touching(Verb.REMOVE_VOLUME)


@pytest.mark.parametrize("with_data", [False, True])
def test_down_keeps_a_volume_of_the_project_that_we_did_not_make(with_data: bool) -> None:
    engine = running(make_stack(SMALL))
    name = f"{PROJECT}_main-scratch"
    engine.volumes[name].labels = {"com.docker.compose.project": PROJECT}
    assert name not in plan_down(PROJECT, seen(engine), with_data=with_data).touching(Verb.REMOVE_VOLUME)


def test_down_on_nothing_is_nothing() -> None:
    assert plan_down(PROJECT, FakeEngine().observe(PROJECT), with_data=True) == Plan(steps=())


def test_down_and_stop_reach_a_second_container_of_a_service_too() -> None:
    engine = running(make_stack(SMALL))
    second_container(engine)
    both = {
        container_of(engine, "main"),
        next(i for i, c in engine.containers.items() if "-2" in c.seen.name),
    }
    down = plan_down(PROJECT, seen(engine), with_data=False)
    assert both <= {step.target for step in down.steps if step.verb is Verb.REMOVE_CONTAINER}
    assert len({step.id for step in down.steps}) == len(down.steps)
    stop_both = plan_stop(seen(engine), ["main"])
    assert {step.target for step in stop_both.steps} == both
    assert len({step.id for step in stop_both.steps}) == 2


def test_down_does_not_stop_what_does_not_run() -> None:
    engine = running(make_stack(SMALL))
    stop("main")(engine)
    steps = told(plan_down(PROJECT, seen(engine), with_data=False))
    assert "stop container main (down)" not in steps
    assert "remove container main (down)" in steps


def test_stop_and_start_touch_only_what_is_named_and_needs_it() -> None:
    engine = running(make_stack())
    stop("github")(engine)
    pause("egress")(engine)
    assert told(plan_stop(seen(engine), ["main", "github", "egress"])) == [
        "stop container egress (stop)",
        "stop container main (stop)",
    ]
    assert told(plan_start(seen(engine), ["main", "github", "egress"])) == [
        "start container egress (paused)",
        "start container github (exited)",
    ]


def test_bring_up_of_the_helper_really_runs_everything() -> None:
    engine = FakeEngine()
    bring_up(make_stack(), engine)
    assert {c.state for c in seen(engine).containers} == {"running"}


def scaled(replicas: int, **more: Any) -> Stack:
    return make_stack({"orchestrator": {"replicas": replicas, "shared_limits": "never"}}, **more)


def test_a_further_orchestrator_is_admitted_once_it_is_healthy() -> None:
    engine = running(make_stack())
    plan = plan_up(scaled(2), seen(engine))
    assert told(plan) == [
        "fill volume orchestrator-config (missing)",
        "fill volume orchestrator-secrets (missing)",
        "create container orchestrator#2 (missing)",
        "start container orchestrator#2 (missing)",
        "admit orchestrator#2 to network mcp-orchestrator (missing)",
    ]
    bring_up(scaled(2), engine)
    assert plan_up(scaled(2), seen(engine)).empty
    names = [c.name for c in seen(engine).containers if c.service == "orchestrator"]
    assert names == [f"{PROJECT}-orchestrator-1", f"{PROJECT}-orchestrator-2"]


def test_where_orchestrators_count_together_comes_and_goes_without_a_new_orchestrator() -> None:
    alone, together = make_stack(), make_stack({"orchestrator": {"shared_limits": "always"}})
    engine = running(alone)
    plan = plan_up(together, seen(engine))
    assert plan.touching(Verb.CREATE_CONTAINER) == ("valkey",)
    assert "connect orchestrator to network mcp-valkey (the network is new)" in told(plan)
    bring_up(together, engine)
    assert plan_up(together, seen(engine)).empty
    back = plan_up(alone, seen(engine))
    assert "remove container valkey (no longer part of the stack)" in told(back)
    assert back.touching(Verb.CREATE_CONTAINER) == ()
    bring_up(alone, engine)
    assert plan_up(alone, seen(engine)).empty


@pytest.mark.parametrize("before", [{"replicas": 2}, {"shared_limits": "always"}], ids=str)
def test_the_store_of_rates_goes_once_no_orchestrator_counts_in_it(before: dict[str, Any]) -> None:
    engine = running(make_stack({"orchestrator": before}, versions={"orchestrator-config": "a" * 64}))
    plan = plan_up(make_stack(versions={"orchestrator-config": "b" * 64}), seen(engine))
    going = {step.id for step in plan.steps if step.verb is Verb.REMOVE_CONTAINER} - {
        "remove container:valkey"
    }
    assert {"reload:orchestrator", *going} <= all_needs(plan, "stop container:valkey")
    left = f"disconnect:orchestrator:{PROJECT}_mcp-valkey"
    assert "reload:orchestrator" in all_needs(plan, left), "nor is the way to it cut before"
    order = [step.id for step in plan.steps]
    assert all(order.index(need) < order.index(step.id) for step in plan.steps for need in step.needs)


def test_a_store_that_is_left_by_an_orchestrator_made_anew_goes_after_the_old_one() -> None:
    engine = running(make_stack({"orchestrator": {"shared_limits": "always"}}))
    plan = plan_up(make_stack(image="two"), seen(engine))
    assert "remove container:orchestrator" in all_needs(plan, "stop container:valkey")


def test_a_server_goes_once_it_is_not_called_and_the_way_out_is_its_own_to_the_end() -> None:
    both, one = {"servers": {"main": {}, "docs": {"image": "main"}}}, {"servers": {"main": {}}}
    keys = ("orchestrator-config", "egress-config")
    engine = running(make_stack(both, versions=dict.fromkeys(keys, "a" * 64)))
    plan = plan_up(make_stack(one, versions=dict.fromkeys(keys, "b" * 64)), seen(engine))
    needs = all_needs(plan, "stop container:docs")
    assert "reload:orchestrator" in needs
    assert "reload:egress" not in needs


def test_a_server_whose_subnet_is_wanted_does_not_wait_until_it_is_not_called() -> None:
    before, after_ = {"servers": {"docs": {"image": "main"}}}, {"servers": {"other": {"image": "main"}}}
    engine = running(make_stack(before, versions={"orchestrator-config": "a" * 64}))
    wanted = make_stack(
        after_,
        versions={"orchestrator-config": "b" * 64},
        subnets={"mcp-other": SUBNETS["mcp-docs"]},
    )
    plan = plan_up(wanted, seen(engine))
    assert "remove container:docs" in all_needs(plan, "reload:orchestrator")
    bring_up(wanted, engine)
    assert plan_up(wanted, seen(engine)).empty


def all_needs(plan: Plan, step_id: str) -> set[str]:
    """Whatever is done before a step."""
    needs = {step.id: step.needs for step in plan.steps}
    found: set[str] = set()
    waiting = set(needs[step_id])
    while waiting:
        found |= waiting
        waiting = {need for it in waiting for need in needs[it]} - found
    return found


def test_an_admission_that_was_cut_off_is_made_up_for() -> None:
    engine = running(scaled(2))
    second = next(c for c in engine.containers.values() if c.seen.number == 2)
    name = f"{PROJECT}_mcp-orchestrator"
    second.becomes(networks={n: a for n, a in second.seen.networks.items() if n != name})
    assert told(plan_up(scaled(2), seen(engine))) == [
        "connect orchestrator#2 to network mcp-orchestrator (disconnected by hand)"
    ]


def test_an_orchestrator_too_many_is_drained_before_it_goes() -> None:
    engine = running(scaled(2))
    assert told(plan_up(scaled(1), seen(engine))) == [
        "drain orchestrator#2 (scaled to 1)",
        "stop container orchestrator#2 (scaled to 1)",
        "remove container orchestrator#2 (scaled to 1)",
    ]
    bring_up(scaled(1), engine)
    assert plan_up(scaled(1), seen(engine)).empty


def test_several_orchestrators_are_replaced_one_after_the_other() -> None:
    plan = plan_up(scaled(2, image="two"), seen(running(scaled(2))))
    needs = {step.id: step.needs for step in plan.steps}
    assert "admit:orchestrator:mcp-orchestrator" in needs["drain:orchestrator#2"]
    assert "drain:orchestrator#2" in needs["stop container:orchestrator#2"]
    assert not any("orchestrator#2" in need for need in needs["drain:orchestrator"])


def test_a_missing_orchestrator_comes_before_the_others_are_replaced() -> None:
    engine = running(scaled(2))
    engine.remove_container(next(i for i, c in engine.containers.items() if c.seen.number == 1))
    plan = plan_up(scaled(2, image="two"), seen(engine))
    needs = {step.id: step.needs for step in plan.steps}
    assert "admit:orchestrator:mcp-orchestrator" in needs["drain:orchestrator#2"]


def test_a_stop_and_a_start_are_about_every_container_of_a_service() -> None:
    engine = running(scaled(2))
    stopping = plan_stop(seen(engine), ["orchestrator"])
    assert [step.subject for step in stopping.steps] == ["orchestrator", "orchestrator#2"]
    going = plan_down(PROJECT, seen(engine), with_data=False)
    assert {"remove container:orchestrator", "remove container:orchestrator#2"} <= {s.id for s in going.steps}


def test_containers_that_share_volumes_fill_them_one_after_the_other() -> None:
    before, after_ = {"orchestrator-config": "a" * 64}, {"orchestrator-config": "b" * 64}
    plan = plan_up(scaled(3, versions=after_), seen(running(scaled(2, versions=before))))
    needs = {step.id: step.needs for step in plan.steps}
    assert "fill volume:orchestrator-config" in needs["reload:orchestrator"]
    assert "reload:orchestrator" in needs["reload:orchestrator#2"]
    assert "remove container:orchestrator" not in needs

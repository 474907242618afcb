"""What somebody changed by hand: named in words, and put right without touching anything else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from docgenctl.model.stack import LABEL_SPEC_DIGEST, Limits
from docgenctl.planning.drift import foreign_members
from docgenctl.planning.reconcile import plan_up
from tests.contract.fake_engine import FakeEngine
from tests.unit.planning.machines import PROJECT, bring_up, make_stack, running, seen

MAIN_NETWORK = f"{PROJECT}_mcp-main"
Breaks = Callable[[FakeEngine], None]


def becomes(**changes: object) -> Breaks:
    """Something happens to main's container."""

    def happens(engine: FakeEngine) -> None:
        container = next(c for c in engine.containers.values() if c.service.name == "main")
        given = {
            key: value(getattr(container.seen, key)) if callable(value) else value
            for key, value in changes.items()
        }
        container.becomes(**given)

    return happens


def network_becomes(**changes: object) -> Breaks:
    def happens(engine: FakeEngine) -> None:
        engine.networks[MAIN_NETWORK] = replace(engine.networks[MAIN_NETWORK], **changes)  # type: ignore[arg-type]

    return happens


RECREATES = {
    "renamed by hand: my-main": becomes(name="my-main"),
    "disconnected from network mcp-main by hand": becomes(networks={}, state="exited"),
    "connected to network bridge by hand": becomes(
        networks=lambda now: {**now, "bridge": "172.17.0.9"}, state="exited"
    ),
    "CPU shares set by hand": becomes(other_limits=("CPU shares",)),
}


@pytest.mark.parametrize("cause", RECREATES)
def test_what_only_a_new_container_puts_right_recreates_that_one(cause: str) -> None:
    stack = make_stack()
    engine = running(stack)
    RECREATES[cause](engine)
    plan = plan_up(stack, seen(engine))
    assert {step.cause for step in plan.steps} == {cause}
    assert {step.subject.partition("-")[0] for step in plan.steps} == {"main"}
    bring_up(stack, engine)
    assert plan_up(stack, seen(engine)).empty


MOVES = {
    "connect main to network mcp-main (disconnected by hand)": becomes(networks={}),
    "disconnect main from network bridge (connected by hand)": becomes(
        networks=lambda now: {**now, "bridge": "172.17.0.9"}
    ),
    f"disconnect main from network {MAIN_NETWORK} (connected anew by hand, without its name there); "
    "connect main to network mcp-main (connected anew by hand, without its name there)": becomes(
        aliases={MAIN_NETWORK: ("0123456789ab",)}
    ),
    f"disconnect main from network {PROJECT}_mcp-old (no longer part of the stack)": becomes(
        networks=lambda now: {**now, f"{PROJECT}_mcp-old": "10.213.99.2"}
    ),
}


@pytest.mark.parametrize("steps", MOVES)
def test_a_running_container_is_put_on_its_networks_and_taken_off_others_as_it_runs(steps: str) -> None:
    stack = make_stack()
    engine = running(stack)
    MOVES[steps](engine)
    plan = plan_up(stack, seen(engine))
    assert "; ".join(map(str, plan.steps)) == steps
    bring_up(stack, engine)
    assert plan_up(stack, seen(engine)).empty


def test_who_publishes_ports_is_made_anew_rather_than_taken_off_the_network_that_publishes_them() -> None:
    stack = make_stack()
    engine = running(stack)
    gateway = next(c for c in engine.containers.values() if c.service.name == "gateway")
    frontend = f"{PROJECT}_mcp-frontend"
    gateway.becomes(networks={n: a for n, a in gateway.seen.networks.items() if n != frontend})
    causes = {step.cause for step in plan_up(stack, seen(engine)).steps}
    assert causes == {"disconnected from network mcp-frontend by hand"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Limits(cpus=0.5, memory_bytes=512 << 20, pids=256), "CPU limit 0.5, configured "),
        (Limits(cpus=1.0, memory_bytes=256 << 20, pids=256), "memory limit 256m, configured 512m"),
        (Limits(cpus=1.0, memory_bytes=0, pids=0), "process limit none, configured "),
    ],
)
def test_changed_limits_are_set_back_while_it_runs(change: Limits, words: str) -> None:
    stack = make_stack()
    engine = running(stack)
    becomes(limits=change)(engine)
    (step,) = plan_up(stack, seen(engine)).steps
    assert str(step).startswith("update container main (changed by hand: ")
    assert words in step.cause
    bring_up(stack, engine)
    assert [call for call in engine.calls if call[0] != "events"] == [("update_container", "main")]
    assert plan_up(stack, seen(engine)).empty


def test_a_changed_restart_policy_is_set_back_and_a_stopped_container_started() -> None:
    stack = make_stack()
    engine = running(stack)
    becomes(restart="no", state="exited")(engine)
    assert [str(step) for step in plan_up(stack, seen(engine)).steps] == [
        "update container main (changed by hand: restart policy no, configured unless-stopped)",
        "start container main (stopped)",
    ]


NETWORKS = {
    "open by hand": network_becomes(closed=False),
    "option inhibit_ipv4 changed by hand": network_becomes(options={}),
    "made by hand under this name": network_becomes(labels={}),
}


@pytest.mark.parametrize("cause", NETWORKS)
def test_a_network_that_was_made_anew_by_hand_is_replaced(cause: str) -> None:
    stack = make_stack()
    engine = running(stack)
    NETWORKS[cause](engine)
    plan = plan_up(stack, seen(engine))
    assert f"remove network mcp-main ({cause})" in map(str, plan.steps)
    assert f"{PROJECT}_mcp-github" not in {step.target for step in plan.steps}
    bring_up(stack, engine)
    assert plan_up(stack, seen(engine)).empty


def test_an_image_s_name_that_moved_to_another_build_recreates_who_runs_the_old_one() -> None:
    stack = make_stack()
    engine = running(stack)
    ids = {service.name: engine.images[service.image].id for service in stack.services}
    ids["main"] = "sha256:another"
    wanted = replace(stack, services=tuple(replace(s, image_id=ids[s.name]) for s in stack.services))
    plan = plan_up(wanted, seen(engine))
    assert {step.cause for step in plan.steps} == {"image main:one is another build now"}


def test_options_that_engines_add_by_themselves_are_no_drift() -> None:
    stack = make_stack()
    engine = running(stack)
    network = engine.networks[MAIN_NETWORK]
    options = {**(network.options or {}), "com.docker.network.driver.mtu": "1500"}
    engine.networks[MAIN_NETWORK] = replace(network, options=options)
    assert plan_up(stack, seen(engine)).empty


def test_an_engine_that_does_not_tell_has_no_drift() -> None:
    stack = make_stack()
    engine = running(stack)
    becomes(limits=None, restart="", aliases={})(engine)
    network_becomes(closed=None, options=None)(engine)
    assert engine.networks[MAIN_NETWORK].labels[LABEL_SPEC_DIGEST]
    assert plan_up(stack, seen(engine)).empty


def test_a_stranger_on_a_closed_network_is_told_and_left_alone() -> None:
    stack = make_stack()
    engine = running(stack)
    network_becomes(foreign_members=("stranger",))(engine)
    (finding,) = foreign_members(stack, seen(engine))
    assert finding.endswith(f"docker network disconnect {MAIN_NETWORK} stranger")
    assert plan_up(stack, seen(engine)).empty

"""An engine in memory with a stack on it, and ways to break it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from docgenctl.actions.execute_plan import execute_plan
from docgenctl.model.observed import Observation
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Silent
from docgenctl.model.stack import Stack
from docgenctl.planning.assemble_stack import (
    VALKEY_NETWORK,
    ImageChoice,
    assemble_stack,
    network_keys,
    service_names,
)
from docgenctl.planning.reconcile import plan_up
from tests.contract.fake_engine import FakeEngine
from tests.unit.rendering.blueprints import make_blueprint

PROJECT = "demo-1a2b3c"
_KEYS = (*network_keys(("github", "main", "other", "docs")), VALKEY_NETWORK)
SUBNETS = {key: f"10.213.{third}.0/28" for third, key in enumerate(_KEYS, start=16)}


def make_stack(
    settings: Mapping[str, Any] | None = None,
    *,
    subnets: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
    versions: Mapping[str, str] | None = None,
    image: str = "one",
) -> Stack:
    """The stack of these settings; what is not given is counted up from the first."""
    blueprint = make_blueprint({"project": PROJECT, **(settings or {})})
    blueprint = replace(
        blueprint,
        ports={**blueprint.ports, **(ports or {})},
        subnets={**{key: SUBNETS[key] for key in blueprint.subnets}, **(subnets or {})},
    )
    images = {name: ImageChoice(reference=f"{name}:{image}") for name in service_names(blueprint)}
    return assemble_stack(blueprint, images, versions or {})


def bring_up(stack: Stack, engine: FakeEngine) -> Plan:
    """Plan and execute once; returns the plan."""
    for service in stack.services:
        engine.add_image(service.image)
    plan = plan_up(stack, seen(engine))
    remember = engine.taken_over.__setitem__
    execute_plan(plan, engine, Silent(), stack=stack, taken_over=remember)
    return plan


def running(stack: Stack) -> FakeEngine:
    """An engine on which the stack runs."""
    engine = FakeEngine()
    bring_up(stack, engine)
    engine.calls.clear()
    return engine


def seen(engine: FakeEngine) -> Observation:
    """What is there of the project, and what it remembers of its containers."""
    return replace(engine.observe(PROJECT), taken_over=dict(engine.taken_over))


def container_of(engine: FakeEngine, service: str) -> str:
    """The id of a service's container."""
    container = seen(engine).container(service)
    assert container is not None
    return container.id


def told(plan: Plan) -> list[str]:
    """The plan as people read it."""
    return [str(step) for step in plan.steps]


Breaking = Callable[[FakeEngine], None]


def stop(service: str) -> Breaking:
    return lambda engine: engine.stop_container(container_of(engine, service), 1)


def pause(service: str) -> Breaking:
    return lambda engine: engine.containers[container_of(engine, service)].becomes(state="paused")


def remove(service: str) -> Breaking:
    return lambda engine: engine.remove_container(container_of(engine, service))


def drop_network(key: str) -> Breaking:
    """Forcefully, as after a daemon lost it: containers stay, detached."""

    def breaking(engine: FakeEngine) -> None:
        name = f"{PROJECT}_{key}"
        engine.networks.pop(name, None)
        for container in engine.containers.values():
            container.becomes(networks={n: a for n, a in container.seen.networks.items() if n != name})

    return breaking


def drop_volume(key: str) -> Breaking:
    def breaking(engine: FakeEngine) -> None:
        engine.volumes.pop(f"{PROJECT}_{key}", None)

    return breaking

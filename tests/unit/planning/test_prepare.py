"""The part of a plan that needs no container."""

from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.planning.prepare import preparation_of
from docgenctl.planning.steps import step
from tests.unit.planning.machines import make_stack


def _step(verb: Verb, subject: str, *needs: str) -> Step:
    return step(verb, subject, "missing", needs=needs)


def test_volumes_are_made_and_filled_and_wait_for_nothing_else() -> None:
    plan = Plan(
        steps=(
            _step(Verb.CREATE_NETWORK, "a"),
            _step(Verb.REMOVE_CONTAINER, "main"),
            _step(Verb.CREATE_VOLUME, "config"),
            _step(Verb.FILL_VOLUME, "config", "create volume:config", "remove container:main"),
            _step(Verb.CREATE_CONTAINER, "main", "fill volume:config"),
            _step(Verb.START_CONTAINER, "main", "create container:main"),
        )
    )
    prepared = preparation_of(plan, make_stack())
    assert [step.id for step in prepared.steps] == ["create volume:config", "fill volume:config"]
    assert prepared.steps[1].needs == {"create volume:config"}


def test_where_everything_runs_there_is_nothing_to_prepare() -> None:
    assert preparation_of(Plan(steps=()), make_stack()).empty


def test_what_a_running_service_would_reload_is_filled_in() -> None:
    prepared = preparation_of(Plan(steps=(_step(Verb.RELOAD_CONTAINER, "gateway"),)), make_stack())
    assert [step.id for step in prepared.steps] == [
        "fill volume:gateway-config",
        "fill volume:gateway-secrets",
    ]

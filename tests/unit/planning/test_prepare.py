"""The part of a plan that needs no container."""

from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.planning.prepare import preparation_of


def _step(verb: Verb, subject: str, *needs: str) -> Step:
    return Step(id=f"{verb}:{subject}", verb=verb, subject=subject, cause="missing", needs=frozenset(needs))


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
    prepared = preparation_of(plan)
    assert [step.id for step in prepared.steps] == ["create volume:config", "fill volume:config"]
    assert prepared.steps[1].needs == {"create volume:config"}


def test_where_everything_runs_there_is_nothing_to_prepare() -> None:
    assert preparation_of(Plan(steps=())).empty

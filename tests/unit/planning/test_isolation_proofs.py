"""A proof holds only with its controls; whatever answers, answers."""

from dataclasses import replace

import pytest

from docgenctl.model.proof import THIS_MACHINE, Proof, Verdict, View
from docgenctl.planning.isolation_proofs import ask, attempts, judge

SERVERS = {"github": ["10.0.1.2"], "main": ["10.0.2.2"]}
HOST = ("10.0.9.1", 4000)
OUTSIDE = ("192.0.2.10", 443)
EGRESS = ("egress", 3128)


def closed_world(outside: tuple[tuple[str, int], ...] = ()) -> dict[str, View]:
    """Views of a stack as it should be: what is expected to answer does, all else is silent."""
    wanted = attempts(ask(SERVERS, [HOST], outside))
    return {
        place: View(found={address: "connected" if good else "silent" for address, good in targets.items()})
        for place, targets in wanted.items()
    }


def proofs(views: dict[str, View], outside: tuple[tuple[str, int], ...] = ()) -> dict[tuple[str, str], Proof]:
    judged = (judge(question, views) for question in ask(SERVERS, [HOST], outside))
    return {(proof.service, proof.target): proof for proof in judged}


def with_found(view: View, address: tuple[str, int], word: str) -> View:
    return replace(view, found={**view.found, address: word})


def test_every_server_is_kept_from_the_host_the_others_and_the_outside() -> None:
    found = proofs(closed_world())
    assert set(found) == {
        ("github", "host"),
        ("github", "main"),
        ("github", "outside"),
        ("main", "host"),
        ("main", "github"),
        ("main", "outside"),
        ("orchestrator", "host"),
        ("orchestrator", "outside"),
    }
    assert {proof.verdict for proof in found.values()} == {Verdict.BLOCKED}


@pytest.mark.parametrize("answer", ["connected", "refused"])
def test_a_refusal_shows_as_much_as_a_connection(answer: str) -> None:
    views = closed_world()
    views["main"] = with_found(views["main"], HOST, answer)
    found = proofs(views)
    assert found["main", "host"].verdict is Verdict.REACHED
    assert "10.0.9.1:4000" in found["main", "host"].detail
    assert found["github", "host"].verdict is Verdict.BLOCKED


def test_a_server_that_cannot_even_reach_its_proxy_proves_nothing() -> None:
    views = closed_world()
    views["main"] = with_found(views["main"], EGRESS, "silent")
    found = proofs(views)
    for target in ("host", "github", "outside"):
        assert found["main", target].verdict is Verdict.NOT_PROVED
        assert "egress:3128" in found["main", target].detail


def test_a_host_where_nothing_listens_proves_nothing() -> None:
    views = closed_world()
    views[THIS_MACHINE] = with_found(views[THIS_MACHINE], HOST, "silent")
    found = proofs(views)
    assert found["main", "host"].verdict is Verdict.NOT_PROVED
    assert found["main", "github"].verdict is Verdict.BLOCKED


def test_a_host_without_an_address_among_the_containers_proves_nothing() -> None:
    (question,) = (q for q in ask(SERVERS, [], []) if (q.service, q.target) == ("main", "host"))
    views = {"main": View(found={EGRESS: "connected"})}
    assert judge(question, views).verdict is Verdict.NOT_PROVED


def test_another_server_that_is_down_proves_nothing() -> None:
    views = closed_world()
    views["orchestrator"] = with_found(views["orchestrator"], ("10.0.1.2", 8000), "refused")
    found = proofs(views)
    assert found["main", "github"].verdict is Verdict.NOT_PROVED
    assert "orchestrator" in found["main", "github"].detail
    assert found["main", "host"].verdict is Verdict.BLOCKED


def test_another_server_without_an_address_proves_nothing() -> None:
    views = closed_world()
    views["orchestrator"] = with_found(views["orchestrator"], ("github", 8000), "no such name")
    (question,) = (
        q
        for q in ask({"github": [], "main": ["10.0.2.2"]}, [HOST], [])
        if (q.service, q.target) == ("main", "github")
    )
    assert judge(question, views).verdict is Verdict.NOT_PROVED


def test_a_router_that_answers_is_a_way_out() -> None:
    views = closed_world()
    views["main"] = replace(views["main"], ways_out=("172.17.0.1",))
    assert proofs(views)["main", "outside"].verdict is Verdict.REACHED


def test_a_configured_target_must_be_there_for_this_machine() -> None:
    views = closed_world((OUTSIDE,))
    assert proofs(views, (OUTSIDE,))["gateway", "outside"].verdict is Verdict.BLOCKED
    views[THIS_MACHINE] = with_found(views[THIS_MACHINE], OUTSIDE, "silent")
    for service in ("main", "github", "orchestrator", "gateway"):
        assert proofs(views, (OUTSIDE,))[service, "outside"].verdict is Verdict.NOT_PROVED


def test_the_gateway_is_asked_about_the_outside_only_with_a_target() -> None:
    assert ("gateway", "outside") not in proofs(closed_world())


def test_who_could_not_look_has_seen_nothing() -> None:
    views = closed_world() | {"main": View(error="main does not run")}
    found = proofs(views)
    assert {found["main", target].verdict for target in ("host", "github", "outside")} == {Verdict.NOT_PROVED}
    assert found["main", "host"].detail == "main does not run"


def test_a_stack_without_servers_has_nothing_to_prove() -> None:
    assert ask({}, [HOST], []) == ()


def test_only_orchestrators_reach_where_they_count() -> None:
    questions = ask(SERVERS, [HOST], (), ["10.0.8.2"])
    tried = {question.service: question for question in questions if question.target == "valkey"}
    assert set(tried) == {"github", "main", "gateway"}
    for question in tried.values():
        assert question.tried == (("valkey", 6379), ("10.0.8.2", 6379))
        assert ("orchestrator", ("10.0.8.2", 6379)) in question.controls
    (own,) = [question for question in questions if question.service == "valkey"]
    assert (own.target, own.tried) == ("host", (HOST,))
    assert ("valkey", ("orchestrator", 8000)) in own.controls

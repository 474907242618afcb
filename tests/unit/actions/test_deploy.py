"""Deciding between going on and going back; the whole story is told on the real engine in tests/e2e."""

from typing import Any

import pytest

from docgenctl.actions import deploy as deployment
from docgenctl.actions import up
from docgenctl.actions.deploy import deploy
from docgenctl.endpoint.address import Endpoint
from docgenctl.model.errors import BuildError, EngineError, LockedError, NotHealthyError
from docgenctl.model.health import HealthReport, LayerResult
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from docgenctl.state.lock import project_lock
from docgenctl.state.store import StateStore
from tests.unit.actions.conftest import OpenWith, recipes_of
from tests.unit.actions.stage import Stage

#: Verdicts in the order in which they are asked for; no server listens behind an engine in memory.
Verdicts = list[bool]


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> Verdicts:
    coming: Verdicts = []

    def check(*_: object, **__: object) -> HealthReport:
        healthy = coming.pop(0) if coming else True
        return HealthReport(healthy, (LayerResult("tool", "files_list", healthy, 1, "no answer"),))

    def find(opened: Any, *_: object) -> Endpoint:
        return Endpoint(
            url="https://localhost:1/mcp", ca_file=opened.state_dir, api_key_file=opened.state_dir
        )

    for module in (deployment, up):
        monkeypatch.setattr(module, "wait_until_healthy", lambda *_, **__: None)
        monkeypatch.setattr(module, "find_endpoint", find)
        monkeypatch.setattr(module, "prove_canaries", lambda *_: ())
    monkeypatch.setattr(deployment, "check_health", check)
    monkeypatch.setattr(up, "look_at_definitions", lambda *_: None)
    return coming


def snapshot(stage: Stage) -> dict[str, str]:
    return {c.service: c.labels["dev.docgenctl.spec-digest"] for c in stage.engine.observe("demo").containers}


def reconfigure(stage: Stage, open_with: OpenWith, **settings: Any) -> None:
    ranges = stage.opened.configuration.settings
    servers = {name: {"port": str(entry.port)} for name, entry in ranges.servers.items()}
    stage.opened = open_with(
        {"ports": {"orchestrator": str(ranges.ports.orchestrator)}, "servers": servers} | settings
    )
    for recipe in recipes_of(stage.opened, stage.engine).values():
        stage.engine.add_image(recipe.reference, {LABEL_CONTENT_DIGEST: recipe.context.digest})


def deployed(stage: Stage) -> deployment.DeployReport:
    return deploy(stage.opened, stage.engine, stage.listener, timeout_s=5)


def test_the_same_twice_is_deployed_and_then_unchanged(stage: Stage, verdicts: Verdicts) -> None:
    first, second = deployed(stage), deployed(stage)
    assert (first.outcome, first.succeeded) == ("deployed", True)
    assert (second.outcome, second.steps) == ("unchanged", ())
    assert set(first.images) == {"gateway", "egress", "orchestrator", "main", "github"}


def test_a_version_that_is_not_healthy_is_taken_back(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith
) -> None:
    deployed(stage)
    before = snapshot(stage)
    reconfigure(stage, open_with, log_level="debug")
    verdicts += [False, True]

    report = deployed(stage)

    assert report.outcome == "rolled_back"
    assert isinstance(report.error, NotHealthyError)
    assert report.error.details == ("tool files_list: no answer",)
    assert report.rollback_error is None
    assert snapshot(stage) == before


def test_the_version_gone_back_to_is_proved_with_patience_before_it_is_judged(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(stage)
    reconfigure(stage, open_with, log_level="debug")
    verdicts += [False, True]
    proved: list[list[str]] = []
    monkeypatch.setattr(
        deployment, "prove_canaries", lambda calls, _: proved.append([tool for tool, _ in calls])
    )
    assert deployed(stage).outcome == "rolled_back"
    assert proved == [["github_status", "files_list"]]


def test_a_version_gone_back_to_whose_tools_do_not_work_is_a_failure(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(stage)
    reconfigure(stage, open_with, log_level="debug")
    verdicts.append(False)

    def fail(*_: object) -> None:
        raise NotHealthyError("the stack runs, but files_list fails", code="not_proved")

    monkeypatch.setattr(deployment, "prove_canaries", fail)
    report = deployed(stage)
    assert (report.outcome, report.rollback_error and report.rollback_error.code) == ("failed", "not_proved")


def test_a_build_that_fails_touches_nothing_that_runs(stage: Stage, verdicts: Verdicts) -> None:
    deployed(stage)
    before = {c.id for c in stage.engine.observe("demo").containers}
    stage.engine.images = {
        k: v for k, v in stage.engine.images.items() if not k.startswith("docgenctl/gateway")
    }
    stage.engine.fail_next("build_image", BuildError("haproxy is gone"))
    stage.engine.calls.clear()

    report = deployed(stage)

    assert report.outcome == "rolled_back"
    assert isinstance(report.error, BuildError)
    assert report.steps == ()
    assert {c.id for c in stage.engine.observe("demo").containers} == before
    assert {method for method, _ in stage.engine.calls} == {"build_image"}


def test_without_an_earlier_version_a_failure_is_just_that(stage: Stage, verdicts: Verdicts) -> None:
    verdicts.append(False)
    report = deployed(stage)
    assert (report.outcome, report.rollback_error) == ("failed", None)


def test_when_going_back_fails_too_both_reasons_are_told(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith
) -> None:
    deployed(stage)
    reconfigure(stage, open_with, log_level="debug")
    verdicts += [False, False]
    report = deployed(stage)
    assert report.outcome == "failed"
    assert report.error is not None
    assert report.rollback_error is not None


def test_the_last_good_version_is_remembered_over_failures(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith
) -> None:
    deployed(stage)
    before = snapshot(stage)
    for level in ("debug", "error"):
        reconfigure(stage, open_with, log_level=level)
        verdicts += [False, True]
        assert deployed(stage).outcome == "rolled_back"
        assert snapshot(stage) == before


def test_subnets_that_the_failed_version_took_over_are_given_back(
    stage: Stage, verdicts: Verdicts, open_with: OpenWith
) -> None:
    deployed(stage)
    before = {n.name: n.subnet for n in stage.engine.observe("demo").networks}
    reconfigure(stage, open_with, servers={"main": {}, "other": {"image": "github"}})
    verdicts += [False, True]
    assert deployed(stage).outcome == "rolled_back"
    assert {n.name: n.subnet for n in stage.engine.observe("demo").networks} == before


def test_a_record_that_cannot_be_read_is_told_and_is_no_bug(stage: Stage, verdicts: Verdicts) -> None:
    deployed(stage)
    store = StateStore(stage.opened.state_dir)
    state = store.read()
    assert state.last_good is not None
    store.write(state.model_copy(update={"last_good": {**state.last_good, "settings": {"version": 99}}}))
    verdicts.append(False)
    report = deployed(stage)
    assert report.outcome == "failed"
    assert report.rollback_error is not None
    assert report.rollback_error.code == "unreadable_record"


def test_nothing_secret_is_in_the_record(stage: Stage, verdicts: Verdicts) -> None:
    deployed(stage)
    key = (stage.opened.state_dir / "api-key").read_text().strip()
    record = str(StateStore(stage.opened.state_dir).read().last_good)
    assert key.startswith("dgk_")
    assert "dgk_" not in record
    assert "PRIVATE KEY" not in record


def test_a_deployment_respects_the_lock(stage: Stage, verdicts: Verdicts) -> None:
    with project_lock(stage.opened.state_dir, "docgenctl up"), pytest.raises(LockedError):
        deployed(stage)
    assert stage.engine.calls == []


def test_errors_of_the_engine_lead_back_too(stage: Stage, verdicts: Verdicts, open_with: OpenWith) -> None:
    deployed(stage)
    before = snapshot(stage)
    reconfigure(stage, open_with, log_level="debug")
    stage.engine.fail_next("create_container", EngineError("disk full"))
    report = deployed(stage)
    assert report.outcome == "rolled_back"
    assert report.error is not None
    assert report.error.message == "disk full"
    assert snapshot(stage) == before

import pytest

from docgenctl.actions.down import take_down
from docgenctl.actions.lifecycle import chosen_services, stop_services
from docgenctl.actions.read_logs import follow_logs, read_logs
from docgenctl.actions.status import read_status
from docgenctl.model.errors import DocgenError, LockedError, NotHealthyError, RefusedError, UsageError
from docgenctl.model.observed import Health
from docgenctl.model.progress import Silent
from docgenctl.state.lock import project_lock
from tests.contract.fake_engine import FakeEngine
from tests.contract.fake_parts import Program
from tests.unit.actions.conftest import OpenWith
from tests.unit.actions.stage import Stage

ALL = ["egress", "gateway", "github", "main", "orchestrator"]


@pytest.fixture
def running_stage(stage: Stage) -> Stage:
    for name in ALL:
        stage.engine.programs[name] = Program(output=(("stdout", f"{name} is here"), ("stderr", "and well")))
    stage.decide_and_do()
    stage.engine.calls.clear()
    return stage


def test_stop_tells_what_it_stopped_and_keeps_the_containers(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    before = {c.id for c in engine.observe("demo").containers}
    assert stop_services(opened, engine, Silent(), ["main"]) == ("main",)
    assert sorted(stop_services(opened, engine, Silent(), [])) == [name for name in ALL if name != "main"]
    assert stop_services(opened, engine, Silent(), []) == ()
    assert {c.id for c in engine.observe("demo").containers} == before


def test_an_unknown_service_is_answered_with_those_there_are(running_stage: Stage) -> None:
    with pytest.raises(UsageError) as caught:
        chosen_services(running_stage.engine.observe("demo"), ["man"])
    assert caught.value.message == "there is no service man here"
    assert caught.value.hint == f"services: {', '.join(ALL)}"


def test_a_stack_that_was_never_started_is_told_apart(open_with: OpenWith) -> None:
    with pytest.raises(NotHealthyError) as caught:
        stop_services(open_with(), FakeEngine(), Silent(), [])
    assert caught.value.code == "never_started"


def test_a_stack_of_another_directory_is_not_touched(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    for container in engine.containers.values():
        container.becomes(labels={**container.seen.labels, "dev.docgenctl.project-id": "f" * 16})
    for action in (
        lambda: stop_services(opened, engine, Silent(), []),
        lambda: take_down(opened, engine, Silent(), with_data=True),
    ):
        with pytest.raises(RefusedError):
            action()
    assert engine.calls == []


def test_commands_that_change_the_stack_respect_the_lock(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    with project_lock(opened.state_dir, "docgenctl up"):
        for action in (
            lambda: stop_services(opened, engine, Silent(), []),
            lambda: take_down(opened, engine, Silent(), with_data=False),
        ):
            with pytest.raises(LockedError, match="docgenctl up"):
                action()
        assert len(read_status(opened.project.name, engine)) == 5
    assert engine.calls == []


def test_down_removes_all_but_data_and_is_nothing_the_second_time(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    assert not take_down(opened, engine, Silent(), with_data=False).empty
    seen = engine.observe("demo")
    assert (seen.containers, seen.networks) == ((), ())
    assert [volume.name for volume in seen.volumes] == ["demo_main-data"]
    assert take_down(opened, engine, Silent(), with_data=False).empty
    take_down(opened, engine, Silent(), with_data=True)
    assert engine.observe("demo").volumes == ()


def test_status_is_one_row_a_service_sorted_by_name(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    engine.crash("github", 3)
    engine.set_health("main", Health.UNHEALTHY)
    engine.stop_container(next(c.id for c in engine.observe("demo").containers if c.service == "egress"), 1)

    rows = {row.service: row for row in read_status(opened.project.name, engine)}

    assert list(rows) == ALL
    assert (rows["main"].state, rows["main"].health) == ("running", "unhealthy")
    assert (rows["egress"].state, rows["egress"].health) == ("exited", "unhealthy")
    assert rows["github"].restarts == 1
    assert rows["gateway"].health == "healthy"
    assert len(rows["gateway"].ports) == 4
    assert rows["main"].cpu_percent is None


def test_status_measures_what_runs_on_request(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    stop_services(opened, engine, Silent(), ["egress"])
    rows = {row.service: row for row in read_status(opened.project.name, engine, stats=True)}
    assert rows["main"].memory_limit_bytes == 512 * 2**20
    assert rows["egress"].memory_bytes is None


def test_status_of_some_services_shows_those(running_stage: Stage) -> None:
    rows = read_status(running_stage.opened.project.name, running_stage.engine, services=["main"])
    assert [row.service for row in rows] == ["main"]


def test_logs_of_all_services_are_merged_by_time(running_stage: Stage) -> None:
    lines = list(read_logs(running_stage.opened, running_stage.engine, [], tail=None))
    assert len(lines) == 10
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    tail = read_logs(running_stage.opened, running_stage.engine, ["main"], tail=1)
    assert [(line.service, line.text) for line in tail] == [("main", "and well")]


def test_followed_logs_end_when_all_services_have(running_stage: Stage) -> None:
    opened, engine = running_stage.opened, running_stage.engine
    following = follow_logs(opened, engine, ["main"], tail=None)
    assert next(following).text == "main is here"
    stop_services(opened, engine, Silent(), ["main"])
    assert [line.text for line in following] == ["and well"]


def test_errors_of_the_engine_reach_the_caller(running_stage: Stage) -> None:
    running_stage.engine.fail_next("stop_container", DocgenError("the engine went away"))
    with pytest.raises(DocgenError, match="went away"):
        stop_services(running_stage.opened, running_stage.engine, Silent(), ["main"])

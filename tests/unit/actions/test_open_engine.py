"""Which engine a stack gets: by setting, by what the machine has, by where the stack already is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docgenctl.actions import open_engine as module
from docgenctl.actions.open_engine import open_engine
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.model.errors import EngineError, RefusedError
from tests.contract.fake_engine import FakeEngine

Open = Callable[..., OpenProject]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    def make(setting: str = "auto") -> OpenProject:
        environ = {
            "DOCGENCTL_STATE_DIR": str(tmp_path / "state"),
            "DOCGENCTL_CACHE_DIR": str(tmp_path / "cache"),
        }
        return open_project(workspace, environ | {"DOCGENCTL_ENGINE": setting})

    return make


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], FakeEngine]:
    """What the machine has of Docker: an engine, or the reason why not."""
    fake = FakeEngine()

    def have(code: str) -> FakeEngine:
        def answer(_: OpenProject) -> FakeEngine:
            if code:
                raise EngineError("no engine", hint="start it", code=code)
            return fake

        monkeypatch.setattr(module, "_docker", answer)
        return fake

    return have


def note_a_process(opened: OpenProject) -> None:
    folder = opened.state_dir / "processes" / "containers"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps({"id": "one"}))


def test_docker_is_taken_where_it_answers(opened: Open, docker: Callable[[str], FakeEngine]) -> None:
    engine = docker("")
    assert open_engine(opened()) is engine


def test_processes_are_taken_where_there_is_no_docker_at_all(
    opened: Open, docker: Callable[[str], FakeEngine]
) -> None:
    docker("absent")
    info = open_engine(opened()).info()
    assert (info.isolates, info.source) == (False, "no Docker Engine here")


@pytest.mark.parametrize("code", ["stopped", "denied", "too_old"])
def test_a_docker_that_is_there_and_does_not_work_is_an_error_that_names_the_way_without(
    opened: Open, docker: Callable[[str], FakeEngine], code: str
) -> None:
    docker(code)
    with pytest.raises(EngineError) as caught:
        open_engine(opened())
    assert caught.value.code == code
    assert caught.value.hint == "start it; or without containers: docgenctl up --engine process"


def test_who_asks_for_docker_does_not_get_processes(
    opened: Open, docker: Callable[[str], FakeEngine]
) -> None:
    docker("absent")
    with pytest.raises(EngineError, match="no engine"):
        open_engine(opened("docker"))


def test_a_stack_of_processes_is_found_whatever_docker_does(
    opened: Open, docker: Callable[[str], FakeEngine]
) -> None:
    docker("")
    note_a_process(opened())
    assert not open_engine(opened()).info().isolates


def test_a_stack_of_processes_is_not_started_in_docker_too(
    opened: Open, docker: Callable[[str], FakeEngine]
) -> None:
    docker("")
    note_a_process(opened())
    with pytest.raises(RefusedError) as caught:
        open_engine(opened("docker"))
    assert caught.value.code == "other_engine"
    assert "docgenctl down --engine process" in caught.value.hint


def test_a_stack_of_containers_is_not_started_as_processes_too(
    opened: Open, docker: Callable[[str], FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Holds:
        containers = ("one",)

    monkeypatch.setattr(docker(""), "observe", lambda project: Holds())
    with pytest.raises(RefusedError) as caught:
        open_engine(opened("process"))
    assert caught.value.code == "other_engine"
    assert "docgenctl down --engine docker" in caught.value.hint


@pytest.mark.parametrize("code", ["absent", "stopped", "wrong_context"])
def test_processes_can_be_asked_for_when_docker_does_not_answer(
    opened: Open, docker: Callable[[str], FakeEngine], code: str
) -> None:
    docker(code)
    assert not open_engine(opened("process")).info().isolates

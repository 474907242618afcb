"""What `scale` and `servers` would do, foreseen on a stack that is there, and nothing of it done."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docgenctl.actions import change_servers, foresee_servers
from docgenctl.actions.choose_source import Wish
from docgenctl.actions.foresee_servers import foresee_add, foresee_remove
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.actions.scale import foresee_scale
from docgenctl.files.rehearsal import rehearsal
from docgenctl.model.errors import EngineError, NotHealthyError, RefusedError, UsageError
from docgenctl.model.forecast import Forecast
from docgenctl.model.plan import Plan
from docgenctl.model.stack import LABEL_ROLE, Volume, VolumePurpose
from docgenctl.model.state import Scaled
from docgenctl.planning.assemble_stack import volume_key
from docgenctl.state.store import StateStore
from tests.contract.fake_engine import FakeVolume
from tests.unit.actions.stage import Stage
from tests.unit.cli.test_dry_run import tree

URL = Wish(url="https://mcp.example.com/mcp")


@dataclass
class Running:
    """A stack that runs, as every command opens it."""

    stage: Stage

    def reopen(self) -> OpenProject:
        return open_project(self.stage.opened.project.directory, self.stage.opened.environ)

    def add(self, name: str, *, up: bool = True) -> Forecast:
        with rehearsal():
            return foresee_add(self.reopen(), self.reopen, name, URL, self.stage.listener, up=up)

    def remove(self, name: str, *, with_data: bool = False) -> Forecast:
        with rehearsal():
            return foresee_remove(self.reopen(), self.reopen, name, with_data=with_data)


@pytest.fixture
def running(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """It is the same when the test is over: containers, state and workspace."""
    settings = stage.opened.configuration.settings
    lines = ["project: demo", f"ports: {{orchestrator: {settings.ports.orchestrator}}}", "servers:"]
    lines.append(f"  main: {{port: {settings.servers['main'].port}, health_port: ")
    lines[-1] += f"{settings.servers['main'].health_port}}}"
    lines.append(f"  github: {{port: {settings.servers['github'].port}}}")
    file = stage.opened.project.directory / "docgen.yaml"
    file.write_text("\n".join(lines) + "\n")
    found = Running(stage)
    stage.opened = found.reopen()
    stage.decide_and_do()
    for module in (change_servers, foresee_servers):
        monkeypatch.setattr(module, "open_engine", lambda _: stage.engine)
    stage.engine.calls.clear()
    before = tree(tmp_path)
    yield found
    assert tree(tmp_path) == before
    assert stage.engine.calls == []


def steps(plan: Plan) -> list[str]:
    return sorted(map(str, plan.steps))


def touched(forecast: Forecast) -> dict[str, str]:
    return {service.service: service.action for service in forecast.services}


def test_scaling_is_foreseen_as_it_is_done(stage: Stage) -> None:
    stage.engine.pullable.add(stage.opened.configuration.settings.images.valkey)
    stage.decide_and_do()
    store = StateStore(stage.opened.state_dir)
    state = store.read()
    with rehearsal():
        more = foresee_scale(stage.opened, stage.engine, {"orchestrator": 2})
    assert store.read() == state
    assert more.command == "scale"
    assert {"orchestrator#2": "created", "valkey": "created"}.items() <= touched(more).items()
    store.write(state.model_copy(update={"scaled": Scaled(replicas=2, configured=1)}))
    assert steps(stage.decide_and_do()) == steps(more.plan)

    with rehearsal():
        assert not foresee_scale(stage.opened, stage.engine, {"main": 1}).changes, "two stay two"
        less = foresee_scale(stage.opened, stage.engine, {"orchestrator": 1})
    assert touched(less)["orchestrator#2"] == "removed"
    assert "orchestrator#2" not in [service.service for service in less.services if service.interrupts]
    store.write(store.read().model_copy(update={"scaled": None}))
    assert steps(stage.decide_and_do()) == steps(less.plan)


def test_what_cannot_be_scaled_is_refused_in_a_rehearsal_too(stage: Stage) -> None:
    with rehearsal():
        with pytest.raises(NotHealthyError, match="no container of this stack exists"):
            foresee_scale(stage.opened, stage.engine, {"orchestrator": 2})
        with pytest.raises(RefusedError, match="gateway runs once"):
            foresee_scale(stage.opened, stage.engine, {"gateway": 2})


def test_a_new_server_is_foreseen_in_file_services_and_steps(running: Running) -> None:
    forecast = running.add("wiki")
    assert (forecast.command, touched(forecast)["wiki"]) == ("servers add", "created")
    assert any(str(step).startswith("create network mcp-wiki") for step in forecast.plan.steps)
    settings, *rendered = forecast.files
    assert (settings.path, settings.change) == ("docgen.yaml", "changed")
    assert "+    url: https://mcp.example.com/mcp" in settings.diff.splitlines()
    assert "docker-compose.mcp.yml" in {file.path for file in rendered}


def test_only_the_file_is_foreseen_of_what_shall_only_be_written(running: Running) -> None:
    forecast = running.add("wiki", up=False)
    assert ([file.path for file in forecast.files], forecast.plan.empty) == (["docgen.yaml"], True)
    assert forecast.engine is None


def test_a_server_that_would_go_is_foreseen_with_its_data_when_that_shall_go(running: Running) -> None:
    engine = running.stage.engine
    labels = next(iter(engine.volumes.values())).labels
    key = volume_key("github", VolumePurpose.DATA)
    volume = Volume(key=key, name=f"demo_{key}", purpose=VolumePurpose.DATA, owner="1000:1000")
    engine.volumes[volume.name] = FakeVolume(volume, labels | {LABEL_ROLE: VolumePurpose.DATA})
    kept = running.remove("github")
    assert touched(kept)["github"] == "removed"
    assert not [step for step in kept.plan.steps if step.subject == volume.name]
    gone = running.remove("github", with_data=True)
    assert str(gone.plan.steps[-1]) == f"remove volume {volume.name} (asked for)"
    assert gone.files == kept.files
    assert "enabled: false" in gone.files[0].diff


def test_what_is_refused_in_earnest_is_refused_in_a_rehearsal(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="there is a server main already"):
        running.add("main")
    with pytest.raises(UsageError, match="there is no server wiki"):
        running.remove("wiki")

    def away(_: OpenProject) -> None:
        raise EngineError("no engine answers", hint="start it", code="stopped")

    monkeypatch.setattr(foresee_servers, "open_engine", away)
    with pytest.raises(EngineError, match="no engine answers"):
        running.remove("github", with_data=True)

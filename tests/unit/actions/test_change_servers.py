"""Servers that come and go: docgen.yaml and the stack change together, or neither does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from docgenctl.actions import change_servers as module
from docgenctl.actions.change_servers import add_server, lock_servers, remove_server
from docgenctl.actions.choose_source import Wish
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.configuration.package_locks import write_lock
from docgenctl.model.errors import EngineError, NotHealthyError, UsageError
from docgenctl.model.stack import Volume, VolumePurpose
from docgenctl.planning.assemble_stack import volume_key
from tests.contract.fake_engine import FakeEngine, FakeVolume
from tests.unit.actions.stage import Listener
from tests.unit.served_project import environ_of

URL = Wish(url="https://mcp.example.com/mcp")


@dataclass
class Scene:
    """A workspace, what its engine is, and every bringing up: the servers that docgen.yaml had then."""

    folder: Path
    engine: FakeEngine | None = None
    ups: list[set[str]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    listener: Listener = field(default_factory=Listener)

    @property
    def file(self) -> Path:
        return self.folder / "workspace/docgen.yaml"

    def reopen(self) -> OpenProject:
        return open_project(self.file.parent, environ_of(self.folder))

    def add(self, name: str, wish: Wish = URL, **more: Any) -> Any:
        return add_server(self.reopen(), self.reopen, name, wish, self.listener, timeout_s=1, **more)

    def remove(self, name: str, **more: Any) -> Any:
        return remove_server(self.reopen(), self.reopen, name, self.listener, timeout_s=1, **more)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Nothing runs, and no engine answers, until a test says otherwise."""
    found = Scene(tmp_path)
    found.file.parent.mkdir()

    def engine(_: OpenProject) -> FakeEngine:
        if found.engine is None:
            raise EngineError("no engine answers", hint="start it", code="stopped")
        return found.engine

    def up(opened: OpenProject, *_: Any, **__: Any) -> str:
        servers = opened.configuration.settings.servers
        found.ups.append({name for name, entry in servers.items() if entry.enabled})
        if found.failures:
            raise found.failures.pop(0)
        return "up"

    monkeypatch.setattr(module, "open_engine", engine)
    monkeypatch.setattr(module, "bring_up", up)
    return found


@pytest.fixture
def running(scene: Scene, stage: Any) -> Scene:
    """Something of the stack is there."""
    (scene.file).write_text("project: demo\n")
    stage.decide_and_do()
    scene.engine = stage.engine
    return scene


def test_without_a_stack_only_the_file_is_written(scene: Scene) -> None:
    change = scene.add("wiki")
    assert (change.up, scene.ups) == (None, [])
    assert "url: https://mcp.example.com/mcp" in change.file.diff
    assert scene.listener.said == ["begin server wiki", "done server wiki: taken"]
    scene.engine = FakeEngine()
    assert scene.add("other").up is None, "an engine on which nothing of it is"


def test_a_stack_that_is_there_takes_the_server_in_and_lets_it_go(running: Scene) -> None:
    assert running.add("wiki").up == "up"
    assert running.remove("wiki").up == "up"
    assert running.ups == [{"main", "github", "wiki"}, {"main", "github"}]
    assert running.add("wiki", up=False).up is None
    assert running.remove("wiki", up=False).up is None
    assert len(running.ups) == 2


@pytest.mark.parametrize("step", ["add", "remove"])
def test_when_the_stack_cannot_follow_file_and_stack_go_back(running: Scene, step: str) -> None:
    if step == "remove":
        running.add("wiki", up=False)
    text = running.file.read_bytes()
    running.failures = [NotHealthyError("wiki is not healthy"), EngineError("nor now")]
    act: Callable[..., Any] = running.add if step == "add" else running.remove
    with pytest.raises(NotHealthyError, match="wiki is not healthy"):
        act("wiki")
    assert running.file.read_bytes() == text
    without, with_it = {"main", "github"}, {"main", "github", "wiki"}
    assert running.ups == ([with_it, without] if step == "add" else [without, with_it])
    assert "docgen.yaml is as it was; taking the stack back to it" in running.listener.said


def test_the_hint_does_not_tell_of_containers_that_are_gone_again(running: Scene) -> None:
    late = "the containers are left as they are"
    running.failures = [NotHealthyError("not healthy after 1 s", hint=late, code="not_in_time")]
    with pytest.raises(NotHealthyError) as back:
        running.add("wiki")
    assert back.value.hint.startswith("docgen.yaml and the stack are as they were")
    running.failures = [
        NotHealthyError("not healthy after 1 s", hint=late, code="not_in_time"),
        EngineError("nor now"),
    ]
    with pytest.raises(NotHealthyError) as stuck:
        running.add("wiki")
    assert stuck.value.hint == late


def test_what_is_refused_before_a_change_touches_no_stack(running: Scene) -> None:
    for name, wish in (("main", URL), ("wiki", Wish()), ("wiki", Wish(url="https://127.0.0.1/mcp"))):
        with pytest.raises(Exception, match=r"already|one way|never reached") as caught:
            running.add(name, wish)
        assert caught.value.exit_code in (2, 3)  # type: ignore[attr-defined]
    with pytest.raises(UsageError) as unknown:
        running.remove("wiki")
    assert unknown.value.hint == "servers: github, main"
    assert running.ups == []
    assert running.file.read_text() == "project: demo\n"


def test_a_file_that_adding_made_goes_with_its_last_server(scene: Scene) -> None:
    scene.add("wiki")
    scene.add("other")
    scene.remove("wiki")
    assert scene.file.is_file()
    assert scene.remove("other").file.notes == ("docgen.yaml said nothing any more and is gone",)
    assert not scene.file.exists()


def test_a_file_that_was_there_stays(scene: Scene) -> None:
    scene.file.write_text("version: 2\n")
    scene.add("wiki")
    scene.remove("wiki")
    assert scene.file.read_text() == "version: 2\n"


def test_a_file_of_the_user_s_that_follows_ours_stays(scene: Scene) -> None:
    scene.add("wiki")
    scene.remove("wiki")
    scene.file.write_text("version: 2\n")
    scene.add("wiki")
    scene.remove("wiki")
    assert scene.file.read_text() == "version: 2\n"


def test_a_failed_addition_leaves_no_file_and_no_claim_to_one(running: Scene) -> None:
    running.file.unlink()
    running.engine = FakeEngine()  # of the name that no file says
    running.add("wiki")
    running.remove("wiki")
    assert not running.file.exists()


def test_data_is_kept_unless_it_is_to_go_with_its_container(running: Scene) -> None:
    assert running.engine is not None
    running.add("wiki", up=False)
    labels = next(iter(running.engine.volumes.values())).labels
    for service in ("wiki", "wiki-origin"):
        key = volume_key(service, VolumePurpose.DATA)
        volume = Volume(key=key, name=f"demo_{key}", purpose=VolumePurpose.DATA, owner="1000:1000")
        running.engine.volumes[volume.name] = FakeVolume(volume, labels)
    kept = set(running.engine.volumes)
    running.remove("wiki", up=False)
    assert set(running.engine.volumes) == kept

    running.add("wiki", up=False)
    with pytest.raises(UsageError, match="only go with its container"):
        running.remove("wiki", with_data=True, up=False)
    running.remove("wiki", with_data=True)
    gone = kept - set(running.engine.volumes)
    assert gone == {f"demo_{volume_key(name, VolumePurpose.DATA)}" for name in ("wiki", "wiki-origin")}


def test_data_that_no_engine_can_remove_now_is_told_before_anything_changes(scene: Scene) -> None:
    scene.add("wiki")
    text = scene.file.read_bytes()
    with pytest.raises(EngineError, match="no engine answers"):
        scene.remove("wiki", with_data=True)
    assert scene.file.read_bytes() == text


def test_locking_again_names_servers_without_packages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "pypi:mcp-server-time==2026.1.1"
    scene.file.write_text(f'servers: {{time: {{stdio: mcp-server-time, packages: ["{package}"]}}}}\n')
    write_lock(scene.file.parent, "time", "pypi", "stale\n")
    monkeypatch.setattr(module, "relock", lambda packages, **_: f"# {packages[0]}\n")
    written = lock_servers(scene.reopen(), [], scene.listener)
    assert written == {"time": "docgen.lock.d/time.txt"}
    assert (scene.file.parent / written["time"]).read_text() == f"# {package}\n"
    for name in ("main", "nobody"):
        with pytest.raises(UsageError) as caught:
            lock_servers(scene.reopen(), [name], scene.listener)
        assert caught.value.hint == "servers with some: time"

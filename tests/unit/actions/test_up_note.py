"""An `up` with nothing to do is seen as such, and whatever could make a difference is seen too."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docgenctl.actions import circumstances
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.glance import Glance, glance
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.actions.up import _Attempt
from docgenctl.actions.up_note import holding_note, leave_note
from docgenctl.actions.watch_crashes import watch_crashes
from docgenctl.model.progress import Silent
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from tests.contract.fake_engine import FakeEngine
from tests.unit.actions.conftest import recipes_of
from tests.unit.actions.stage import free_range


class Place:
    """A workspace whose stack has just been brought up, on an engine in memory."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir(mode=0o755)
        self.environ = {
            "DOCGENCTL_STATE_DIR": str(folder / "state"),
            "DOCGENCTL_CACHE_DIR": str(folder / "cache"),
            "HOME": str(folder),
        }
        self.configure("")
        self.engine = FakeEngine()
        self.opened = self.up()

    def configure(self, more: str) -> None:
        (self.workspace / "docgen.yaml").write_text(
            f'ports:\n  orchestrator: "{free_range()}"\nservers:\n'
            f'  main:\n    port: "{free_range()}"\n    health_port: "{free_range()}"\n'
            f'  github:\n    port: "{free_range()}"\n{more}'
        )

    def up(self, flags: dict[str, str] | None = None) -> OpenProject:
        opened = open_project(self.workspace, self.environ, flags)
        images = opened.configuration.settings.images
        self.engine.pullable |= {images.base, images.gateway, images.egress}
        for recipe in recipes_of(opened, self.engine).values():
            if self.engine.find_image(recipe.reference) is None:
                self.engine.add_image(recipe.reference, {LABEL_CONTENT_DIGEST: recipe.context.digest})
        with watch_crashes(self.engine, opened.project.name) as crashes:
            attempt = _Attempt(opened, self.engine, Silent(), rebuild=False, recreate=frozenset())
            design, _, blueprint = attempt.run(crashes)
        leave_note(opened, self.engine, blueprint, design, find_endpoint(opened))
        return opened

    def found(self) -> Glance:
        found = glance(self.workspace, self.environ)
        assert found is not None
        return found

    def nothing_to_do(self) -> bool:
        found = glance(self.workspace, self.environ)
        return found is not None and holding_note(found, self.engine) is not None

    def container(self, service: str) -> str:
        found = self.engine.observe(self.opened.project.name).container(service)
        assert found is not None
        return found.id


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_stack_as_the_last_up_left_it_needs_nothing(place: Place) -> None:
    assert place.nothing_to_do()
    assert place.nothing_to_do()


def test_the_note_tells_where_clients_connect_and_which_calls_prove_it(place: Place) -> None:
    note = holding_note(place.found(), place.engine)
    assert note is not None
    assert note["endpoint"] == find_endpoint(place.opened).as_json()
    assert {tool for tool, _ in note["canaries"]} == {"files_list", "github_status"}


def test_what_comes_and_goes_by_itself_makes_no_difference(place: Place) -> None:
    place.engine.restart_container(place.container("main"), 1)
    assert place.nothing_to_do()


def edit_configuration(place: Place) -> None:
    with (place.workspace / "docgen.yaml").open("a") as file:
        file.write("log_level: debug\n")


def break_configuration(place: Place) -> None:
    (place.workspace / "docgen.yaml").write_text("servers: [")


def write_dotenv(place: Place) -> None:
    (place.workspace / ".env").write_text("GITHUB_TOKEN=ghp_another\n")


def set_a_variable(place: Place) -> None:
    place.environ["MCP_LOG_LEVEL"] = "debug"


def set_a_secret(place: Place) -> None:
    place.environ["GITHUB_TOKEN"] = "ghp_another"


def edit_a_rendered_file(place: Place) -> None:
    with (place.workspace / "docker-compose.mcp.yml").open("a") as file:
        file.write("# by hand\n")


def open_an_env_file(place: Place) -> None:
    (place.workspace / ".env.mcp").chmod(0o644)


def remove_the_output_folder(place: Place) -> None:
    (place.workspace / "docs" / "generated").rmdir()


def close_the_workspace(place: Place) -> None:
    place.workspace.chmod(0o700)


def forget_the_state(place: Place) -> None:
    (place.opened.state_dir / "state.json").unlink()


def replace_the_key(place: Place) -> None:
    path = place.opened.state_dir / "api-key"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def stop_a_container(place: Place) -> None:
    place.engine.stop_container(place.container("main"), 1)


def remove_a_container(place: Place) -> None:
    place.engine.remove_container(place.container("egress"))


def change_a_limit(place: Place) -> None:
    identity = place.container("main")
    service = place.engine.containers[identity].service
    limits = replace(service.limits, memory_bytes=1 << 30)
    place.engine.update_container(identity, replace(service, limits=limits))


def remove_a_volume(place: Place) -> None:
    place.engine.remove_container(place.container("gateway"))
    name = f"{place.opened.project.name}_gateway-config"
    place.engine.remove_volume(name)


def move_an_image_tag(place: Place) -> None:
    recipe = recipes_of(place.opened, place.engine)["main"]
    image = place.engine.images[recipe.reference]
    place.engine.images[recipe.reference] = replace(image, id="sha256:another")


def damage_the_note(place: Place) -> None:
    (place.opened.state_dir / "up.json").write_text("{")


def take_from_the_note(place: Place) -> None:
    path = place.opened.state_dir / "up.json"
    note = json.loads(path.read_text())
    del note["images"]
    path.write_text(json.dumps(note))


def age_the_note(place: Place) -> None:
    path = place.opened.state_dir / "up.json"
    note = json.loads(path.read_text())
    note["good"] = [0, time.time() - 1]
    path.write_text(json.dumps(note))


@pytest.mark.parametrize(
    "change",
    [
        edit_configuration,
        break_configuration,
        write_dotenv,
        set_a_variable,
        set_a_secret,
        edit_a_rendered_file,
        open_an_env_file,
        remove_the_output_folder,
        close_the_workspace,
        forget_the_state,
        replace_the_key,
        stop_a_container,
        remove_a_container,
        change_a_limit,
        remove_a_volume,
        move_an_image_tag,
        damage_the_note,
        take_from_the_note,
        age_the_note,
    ],
)
def test_whatever_could_matter_leads_to_the_full_way(place: Place, change: Callable[[Place], None]) -> None:
    assert place.nothing_to_do()
    change(place)
    assert not place.nothing_to_do()


def test_a_changed_program_leads_to_the_full_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circumstances, "_stamps", lambda *_, **__: iter([b"another program"]))
    assert not place.nothing_to_do()


def test_a_network_of_others_in_our_way_leads_to_the_full_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = place.engine.observe
    ours = place.engine.observe(place.opened.project.name).networks[0].subnet

    monkeypatch.setattr(
        place.engine, "observe", lambda project: replace(observe(project), foreign_subnets=(ours,))
    )
    assert not place.nothing_to_do()


def test_an_up_with_flags_leaves_no_note(place: Place) -> None:
    place.up({"log_level": "debug"})
    assert not place.nothing_to_do()


def test_a_configuration_edited_while_up_was_at_work_leads_to_the_full_way(place: Place) -> None:
    opened = open_project(place.workspace, place.environ)
    edit_configuration(place)
    with watch_crashes(place.engine, opened.project.name) as crashes:
        attempt = _Attempt(opened, place.engine, Silent(), rebuild=False, recreate=frozenset())
        design, _, blueprint = attempt.run(crashes)
    leave_note(opened, place.engine, blueprint, design, find_endpoint(opened))
    assert not place.nothing_to_do()
    assert os.path.lexists(opened.state_dir / "up.json")

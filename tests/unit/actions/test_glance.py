"""Looking at a stack without reading its configuration again, and everything that must make it be read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import docgenctl
from docgenctl.actions.glance import Glance, glance
from docgenctl.actions.open_project import open_project
from docgenctl.configuration.environment import VARIABLES
from docgenctl.model.errors import ConfigurationError

VALID = {"engine": "docker", "project": "other", "environment": "production", "log_level": "debug"}


class Place:
    """A workspace whose configuration has been read once, and never with mistakes."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.environ = {"DOCGENCTL_STATE_DIR": str(folder / "state"), "HOME": str(folder)}
        self.config = self.workspace / "docgen.yaml"
        self.config.write_text("project: mine\nlog_level: debug\n")
        (self.workspace / ".env").write_text("DOCKER_HOST=unix:///a.sock\n")
        self.opened = open_project(self.workspace, self.environ)

    def glance(self) -> Glance | None:
        return glance(self.workspace, self.environ)

    @property
    def note(self) -> Path:
        return self.opened.state_dir / "glance.json"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_glance_says_what_the_full_reading_said(place: Place) -> None:
    found = place.glance()
    assert found is not None
    assert found.project == place.opened.project
    assert found.state_dir == place.opened.state_dir
    assert found.notes == place.opened.configuration.notes != ()
    assert found.engine == place.opened.configuration.settings.engine
    assert set(found.servers) == set(place.opened.configuration.settings.servers)


def test_the_note_is_for_nobody_else_and_holds_no_value_of_the_environment(place: Place) -> None:
    assert place.note.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(place.note.read_text())) == {
        "layout",
        "inputs",
        "name",
        "engine",
        "servers",
        "keys",
        "notes",
    }


def changed_setting(place: Place) -> None:
    place.config.write_text("project: yours\nlog_level: debug\n")


def changed_comment(place: Place) -> None:
    place.config.write_text(place.config.read_text() + "# nothing\n")


def removed_file(place: Place) -> None:
    place.config.unlink()


def mistake(place: Place) -> None:
    place.config.write_text("project: mine\nlog_level: loud\n")


def changed_dotenv(place: Place) -> None:
    (place.workspace / ".env").write_text("DOCGEN_PROJECT=theirs\n")


def removed_dotenv(place: Place) -> None:
    (place.workspace / ".env").unlink()


def other_spelling(place: Place) -> None:
    (place.workspace / "docgen.yml").write_text("project: mine\n")


def damaged_note(place: Place) -> None:
    place.note.write_bytes(place.note.read_bytes()[:-20])


def empty_note(place: Place) -> None:
    place.note.write_bytes(b"")


def note_of_another_shape(place: Place) -> None:
    place.note.write_text(json.dumps({**json.loads(place.note.read_text()), "name": 3}))


def note_of_another_layout(place: Place) -> None:
    place.note.write_text(json.dumps({**json.loads(place.note.read_text()), "layout": 1}))


def exposed_note(place: Place) -> None:
    place.note.chmod(0o644)


def removed_note(place: Place) -> None:
    place.note.unlink()


CHANGES = [
    changed_setting,
    changed_comment,
    removed_file,
    mistake,
    changed_dotenv,
    removed_dotenv,
    other_spelling,
    damaged_note,
    empty_note,
    note_of_another_shape,
    note_of_another_layout,
    exposed_note,
    removed_note,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_changed_leads_to_the_full_reading(change: Callable[[Place], None], place: Place) -> None:
    change(place)
    assert place.glance() is None


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_of_ours_leads_to_the_full_reading(variable: str, place: Place) -> None:
    place.environ[variable] = VALID.get(VARIABLES[variable], "1")
    assert place.glance() is None


def test_a_variable_of_somebody_else_does_not(place: Place) -> None:
    place.environ["EDITOR"] = "ed"
    assert place.glance() is not None


def test_another_version_of_the_tool_reads_in_full(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docgenctl, "__version__", "99.0")
    assert place.glance() is None


def test_a_changed_program_of_the_same_version_reads_in_full(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = place.workspace.parent / "program" / "docgenctl"
    for folder in ("configuration", "model"):
        (copy / folder).mkdir(parents=True)
    (copy.parent / "server_images").mkdir()
    source = copy / "model" / "settings.py"
    source.write_text("before")
    monkeypatch.setattr(docgenctl, "__file__", str(copy / "__init__.py"))
    open_project(place.workspace, place.environ)
    assert place.glance() is not None
    source.write_text("after it")
    assert place.glance() is None


def test_a_configuration_with_mistakes_is_never_noted(place: Place) -> None:
    mistake(place)
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            open_project(place.workspace, place.environ)
        assert place.glance() is None


def test_flags_of_one_command_are_not_taken_for_the_configuration(place: Place) -> None:
    place.note.unlink()
    open_project(place.workspace, place.environ, {"ports/orchestrator": "9000"})
    assert place.glance() is None
    open_project(place.workspace, place.environ, {"ports/orchestrator": None})
    assert place.glance() is not None


def test_two_workspaces_have_two_notes(place: Place) -> None:
    other = place.workspace.parent / "other"
    other.mkdir()
    assert glance(other, place.environ) is None
    open_project(other, place.environ)
    assert glance(other, place.environ) != place.glance()


def test_where_no_note_can_be_written_everything_is_read_in_full(place: Place) -> None:
    place.note.unlink()
    place.note.symlink_to("/dev/null")
    open_project(place.workspace, place.environ)
    assert place.glance() is None

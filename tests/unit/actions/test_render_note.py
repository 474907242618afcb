"""A render with nothing to do is seen as such, and whatever could make a difference is seen too."""

import os
import shutil
import socket
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

import docgenctl
from docgenctl.actions import circumstances, render_note
from docgenctl.actions.glance import glance
from docgenctl.actions.open_project import open_project
from docgenctl.actions.render import render_files
from docgenctl.actions.render_note import nothing_to_render
from docgenctl.host.routes import Route
from docgenctl.model.errors import LockedError, RefusedError
from docgenctl.state.history import History
from docgenctl.state.lock import project_lock


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place:
    """A workspace that has just been rendered, without an engine."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.environ = {
            "DOCGENCTL_STATE_DIR": str(folder / "state"),
            "DOCGENCTL_CACHE_DIR": str(folder / "cache"),
            "HOME": str(folder),
        }
        self.port = free_port()
        (self.workspace / "docgen.yaml").write_text(
            f'ports:\n  orchestrator: "{self.port}-{self.port + 20}"\n'
        )
        self.state_dir = self.render()

    def config(self, orchestrator: int, main: int, health: int, github: int) -> None:
        (self.workspace / "docgen.yaml").write_text(
            f'ports:\n  orchestrator: "{orchestrator}-{orchestrator + 20}"\n'
            f'servers:\n  main:\n    port: "{main}-{main + 20}"\n    health_port: "{health}-{health + 20}"\n'
            f'  github:\n    port: "{github}-{github + 20}"\n'
        )

    def render(self, flags: Any = None) -> Path:
        opened = open_project(self.workspace, self.environ, flags)
        _, self.changes = render_files(opened, None, lambda text: None)
        return opened.state_dir

    def unchanged(self) -> tuple[str, ...] | None:
        found = glance(self.workspace, self.environ)
        return None if found is None else nothing_to_render(found, None, wait_lock_s=0)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Other stacks of this machine come and go; their networks are of no concern here."""
    monkeypatch.setattr(circumstances, "routes", lambda: ())
    return Place(tmp_path)


def test_nothing_changed_is_seen_without_rendering(place: Place) -> None:
    assert place.unchanged() == tuple(str(change.path) for change in place.changes)
    place.render()
    assert {change.kind for change in place.changes} == {"unchanged"}
    assert place.unchanged() is not None


def test_it_is_in_the_history_as_any_render(place: Place) -> None:
    assert place.unchanged() is not None
    entries = History(place.state_dir).entries()
    assert [entry.result.value for entry in entries].count("unchanged") == 1
    assert {entry.command for entry in entries} == {"docgenctl render"}


def test_it_waits_for_the_lock_as_any_render(place: Place) -> None:
    with project_lock(place.state_dir, "docgenctl up"), pytest.raises(LockedError):
        place.unchanged()


def edited_compose_file(place: Place) -> None:
    path = place.workspace / "docker-compose.mcp.yml"
    path.write_text(path.read_text() + "\n")


def removed_output(place: Place) -> None:
    (place.workspace / ".docgen" / "routing.yaml").unlink()


def linked_output(place: Place) -> None:
    path = place.workspace / ".docgen" / "routing.yaml"
    copy = path.with_name("copy")
    path.rename(copy)
    path.symlink_to(copy)


def opened_env_file(place: Place) -> None:
    (place.workspace / ".env.mcp").chmod(0o644)


def changed_configuration(place: Place) -> None:
    with (place.workspace / "docgen.yaml").open("a") as file:
        file.write("log_level: debug\n")


def changed_dotenv(place: Place) -> None:
    (place.workspace / ".env").write_text("GITHUB_TOKEN=other\n")


def changed_secret(place: Place) -> None:
    place.environ["GITHUB_TOKEN"] = "other"


def changed_chosen_secret(place: Place) -> None:
    """The variable is one that an entry of `servers` names, and no image knows."""
    with (place.workspace / "docgen.yaml").open("a") as file:
        file.write("servers: {main: {}, github: {secrets: {GITHUB_TOKEN: hub-api-key}}}\n")
    place.render()
    assert place.unchanged() is not None
    place.environ["HUB_API_KEY"] = "other"


def changed_setting_variable(place: Place) -> None:
    place.environ["MCP_LOG_LEVEL"] = "debug"


def changed_state(place: Place) -> None:
    path = place.state_dir / "state.json"
    path.write_bytes(path.read_bytes())


def lost_certificate(place: Place) -> None:
    (place.state_dir / "gateway.pem").unlink()


def lost_secret(place: Place) -> None:
    next((place.state_dir / "secrets").iterdir()).unlink()


def new_base_image(place: Place) -> None:
    folder = Path(place.environ["DOCGENCTL_CACHE_DIR"]) / "base-image" / "amd64"
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text("{}")


def damaged_note(place: Place) -> None:
    path = place.state_dir / "render.json"
    path.write_bytes(path.read_bytes()[:-40])


def strange_note(place: Place) -> None:
    (place.state_dir / "render.json").write_text('{"layout": 1, "good": 3}')


CHANGES = [
    edited_compose_file,
    removed_output,
    linked_output,
    opened_env_file,
    changed_configuration,
    changed_dotenv,
    changed_secret,
    changed_chosen_secret,
    changed_setting_variable,
    changed_state,
    lost_certificate,
    lost_secret,
    new_base_image,
    damaged_note,
    strange_note,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_changed_leads_to_a_full_render(change: Callable[[Place], None], place: Place) -> None:
    assert place.unchanged() is not None
    change(place)
    assert place.unchanged() is None


def test_a_remembered_port_that_was_taken_leads_to_a_full_render(place: Place) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", place.port))
        other.listen()
        assert place.unchanged() is None
    assert place.unchanged() is not None


def test_a_subnet_that_the_host_routes_elsewhere_now_leads_to_a_full_render(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circumstances, "routes", lambda: (Route(IPv4Network("10.0.0.0/8"), "tun0"),))
    assert place.unchanged() is None
    monkeypatch.setattr(circumstances, "routes", lambda: (Route(IPv4Network("192.0.2.0/24"), "tun0"),))
    assert place.unchanged() is not None


def test_a_certificate_that_must_be_renewed_leads_to_a_full_render(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = render_note.time.time()
    monkeypatch.setattr(render_note.time, "time", lambda: now + 25 * 86_400)
    assert place.unchanged() is None


def test_changed_templates_lead_to_a_full_render(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Path(docgenctl.__file__).parents[1]
    copy = place.workspace.parent / "program"
    for folder in ("docgenctl", "templates", "server_images"):
        shutil.copytree(checkout / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(docgenctl, "__file__", str(copy / "docgenctl" / "__init__.py"))
    assert place.unchanged() is None
    place.render()
    assert place.unchanged() is not None
    template = next(path for path in (copy / "templates").rglob("*") if path.is_file())
    os.utime(template, (1, 1))
    assert place.unchanged() is None


def test_what_was_rendered_with_flags_is_not_what_the_next_render_writes(place: Place) -> None:
    place.render({"images/base": "example.com/other:1"})
    assert place.unchanged() is None


def test_a_refusal_is_told_as_in_any_render(place: Place) -> None:
    place.state_dir.chmod(0o755)
    with pytest.raises(RefusedError):
        open_project(place.workspace, place.environ)
    with pytest.raises(RefusedError):
        place.unchanged()

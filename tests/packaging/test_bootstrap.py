"""The first minutes on a machine: what `make` finds, installs, or asks for. Nothing is installed here."""

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBIAN = 'ID=ubuntu\nID_LIKE="debian"\n'


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without an engine, without any choice of one, and of no known system."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "os-release").write_text("ID=plan9\n")
    return {
        "PATH": str(programs),
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "DOCGENCTL_ENGINE_SOCKET": str(tmp_path / "absent.sock"),
        "DOCGENCTL_OS_RELEASE": str(tmp_path / "os-release"),
    }


def engine(
    machine: dict[str, str], action: str, *flags: str, **more: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "install" / "engine.py"), action, *flags]
    return subprocess.run(
        command, env=machine | more, capture_output=True, text=True, timeout=60, check=False
    )


def add_program(machine: dict[str, str], name: str) -> None:
    path = Path(machine["PATH"]) / name
    path.write_text("#!/bin/sh\nexit 9\n")
    path.chmod(0o755)


class Pings(http.server.BaseHTTPRequestHandler):
    """Answers as an engine answers its ping."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def address_string(self) -> str:
        return "socket"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it
        pass


@pytest.fixture
def answering_socket(machine: dict[str, str]) -> Iterator[str]:
    path = machine["DOCGENCTL_ENGINE_SOCKET"]
    with socketserver.UnixStreamServer(path, Pings) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def test_an_engine_that_answers_is_left_alone_silently(
    machine: dict[str, str], answering_socket: str
) -> None:
    done = engine(machine, "ensure")
    assert (done.returncode, done.stderr) == (0, "")


def test_engine_none_opts_out(machine: dict[str, str]) -> None:
    done = engine(machine, "ensure", ENGINE="none")
    assert done.returncode == 0
    assert "ENGINE=none" in done.stderr


def test_a_chosen_engine_that_is_absent_is_named_and_none_is_installed(machine: dict[str, str]) -> None:
    add_program(machine, "apt-get")
    Path(machine["DOCGENCTL_OS_RELEASE"]).write_text(DEBIAN)
    done = engine(machine, "ensure", "--dry-run", DOCKER_HOST="unix:///absent.sock")
    assert done.returncode == 4
    assert "DOCKER_HOST=unix:///absent.sock" in done.stderr
    assert "apt-get" not in done.stderr


def test_a_current_context_counts_as_a_choice(machine: dict[str, str]) -> None:
    folder = Path(machine["HOME"]) / ".docker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"currentContext": "faraway"}))
    add_program(machine, "docker")
    done = engine(machine, "ensure")
    assert done.returncode == 4
    assert "context faraway" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install")
def test_root_on_debian_would_install_and_start_one(machine: dict[str, str]) -> None:
    add_program(machine, "apt-get")
    Path(machine["DOCGENCTL_OS_RELEASE"]).write_text(DEBIAN)
    done = engine(machine, "ensure", "--dry-run")
    assert done.returncode == 0
    assert (
        "would run: apt-get install -y --no-install-recommends docker.io iptables mmdebstrap" in done.stderr
    )
    assert done.stderr.splitlines()[-1].startswith("would run: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install")
def test_root_with_an_installed_engine_would_only_start_it(machine: dict[str, str]) -> None:
    add_program(machine, "dockerd")
    done = engine(machine, "ensure", "--dry-run")
    assert done.returncode == 0
    assert "apt-get" not in done.stderr


def test_an_unknown_system_gets_an_address_and_the_engines_exit_code(machine: dict[str, str]) -> None:
    done = engine(machine, "ensure")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("Hint: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts an engine")
def test_an_engine_that_ends_at_once_is_reported_with_its_last_words(machine: dict[str, str]) -> None:
    add_program(machine, "dockerd")
    (Path(machine["PATH"]) / "dockerd").write_text("#!/bin/sh\necho no space left on device\nexit 1\n")
    done = engine(machine, "ensure")
    assert done.returncode == 4
    assert "no space left on device" in done.stderr


def test_stop_ends_only_the_process_that_was_started(machine: dict[str, str]) -> None:
    sleeper = subprocess.Popen([shutil.which("sleep") or "sleep", "60"])
    try:
        folder = Path(machine["XDG_STATE_HOME"]) / "docgenctl" / "engine"
        folder.mkdir(parents=True)
        note = folder / "dockerd.json"
        note.write_text(json.dumps({"pid": sleeper.pid, "started": "1"}))
        done = engine(machine, "stop")
        assert (done.returncode, sleeper.poll()) == (0, None)
        assert "ended already" in done.stderr
        assert not note.exists()

        started = Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[19]
        note.write_text(json.dumps({"pid": sleeper.pid, "started": started}))
        assert engine(machine, "stop").returncode == 0
        assert sleeper.wait(timeout=10) == -15
    finally:
        sleeper.kill()
        sleeper.wait()


def test_stop_without_a_started_engine_stops_none(machine: dict[str, str]) -> None:
    done = engine(machine, "stop")
    assert done.returncode == 0
    assert "none was started from here" in done.stderr


def test_help_lists_every_target_of_the_makefile() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "up", "down", "check", "test", "soak", "bench", "lock", "wheel", "engine-stop"):
        assert f"\n  {target} " in f"\n{shown}"


def test_an_old_python_is_told_apart_with_the_way_out(machine: dict[str, str], tmp_path: Path) -> None:
    add_program(machine, "python3")
    for needed in ("dirname", "id", "sh"):
        (Path(machine["PATH"]) / needed).symlink_to(shutil.which(needed) or "")
    copy = tmp_path / "checkout" / "install"
    copy.mkdir(parents=True)
    shutil.copy(ROOT / "install" / "venv.sh", copy)
    done = subprocess.run(
        [str(copy / "venv.sh")], env=machine, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "PYTHON=" in done.stderr


def test_a_machine_that_cannot_have_the_compose_plugin_is_told_so(machine: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "install" / "compose.py")]
    done = subprocess.run(command, env=machine, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == "compose: no plugin to compare with: apt-get is not here\n"


def test_a_machine_that_cannot_have_a_browser_is_told_so(machine: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "install" / "browser.py")]
    done = subprocess.run(command, env=machine, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith("browser: no browser here; install Chromium")


def test_where_no_engine_can_be_had_processes_are_named_on_request(machine: dict[str, str]) -> None:
    done = engine(machine, "ensure", "--or-processes")
    assert (done.returncode, done.stdout) == (0, "process\n")
    assert "going on without containers" in done.stderr


def test_an_engine_that_was_chosen_and_is_silent_is_an_error_all_the_same(machine: dict[str, str]) -> None:
    done = engine(machine, "ensure", "--or-processes", DOCKER_HOST="unix:///nowhere.sock")
    assert (done.returncode, done.stdout) == (4, "")

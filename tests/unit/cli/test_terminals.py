"""Pipes, odd locales, narrow windows, real terminals: in processes of their own."""

import http.server
import json
import os
import pty
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.cli.app import COMMANDS as COMMAND_TABLE
from tests.unit.cli.command import docgenctl, environment

COMMANDS = [["--help"], ["config", "show", "--origins"], ["version"], ["status"], ["nonsense"]]


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("environ", [{}, {"TERM": "xterm-256color"}, {"TERM": "dumb"}], ids=str)
def test_no_escape_codes_go_into_a_pipe(argv: list[str], environ: dict[str, str], tmp_path: Path) -> None:
    ran = docgenctl(tmp_path, *argv, environ=environ)
    assert "\033" not in ran.stdout + ran.stderr


def on_a_terminal(folder: Path, *argv: str, **environ: str) -> tuple[int, str]:
    """Exit code and everything that a terminal of 80 columns received."""
    ours, theirs = pty.openpty()
    (folder / "workspace").mkdir(exist_ok=True)
    running = subprocess.Popen(
        [sys.executable, "-m", "docgenctl", *argv],
        cwd=folder / "workspace",
        env=environment(folder, **environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b""
    try:
        while part := os.read(ours, 65_536):
            received += part
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
    return running.wait(timeout=60), received.decode()


def test_a_table_on_a_very_narrow_terminal_is_told_cell_by_cell(tmp_path: Path) -> None:
    _, told = on_a_terminal(tmp_path, "config", "show", COLUMNS="20")
    assert "SETTING log_level\r\nVALUE info\r\n" in told


@pytest.mark.parametrize("argv", [["config", "show"], ["nonsense"], ["status"]], ids=" ".join)
def test_a_terminal_gets_colours_unless_told_otherwise(argv: list[str], tmp_path: Path) -> None:
    _, coloured = on_a_terminal(tmp_path, *argv, TERM="xterm-256color")
    assert "\033[" in coloured
    for environ in ({"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, plain = on_a_terminal(tmp_path, *argv, **environ)
        assert "\033[3" not in plain, plain
    assert "\033" not in plain


def test_data_is_removed_on_a_terminal_only_after_a_yes(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "workspace").mkdir()
    running = subprocess.Popen(
        [sys.executable, "-m", "docgenctl", "down", "--volumes"],
        cwd=tmp_path / "workspace",
        env=environment(tmp_path, TERM="dumb"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"n\n")
    assert running.wait(timeout=60) == 6
    os.close(ours)


@pytest.mark.parametrize("argv", [["down", "--volumes"], ["deploy"]], ids=" ".join)
def test_nobody_is_asked_off_a_terminal(argv: list[str], tmp_path: Path) -> None:
    ran = docgenctl(tmp_path, *argv, stdin="y\n")
    assert ran.returncode == 6
    assert "[y/N]" not in ran.stdout + ran.stderr
    assert "--yes" in ran.stderr
    asked = docgenctl(tmp_path, *argv, "--json", stdin="y\n")
    if argv != ["deploy"]:
        assert asked.returncode == 6
        assert json.loads(asked.stdout)["error"]["code"] == "not_confirmed"


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_an_ascii_locale_loses_characters_and_nothing_else(argv: list[str], tmp_path: Path) -> None:
    usual = docgenctl(tmp_path, *argv)
    ascii_only = docgenctl(tmp_path, *argv, environ={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert ascii_only.returncode == usual.returncode
    assert (ascii_only.stdout + ascii_only.stderr).isascii()
    assert "bug" not in ascii_only.stderr


def test_names_that_are_no_utf_8_are_no_bug_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "docgenctl", "config", "validate", "-C", str(folder), "--json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode in (0, 2, 3, 6), ran.stderr
    json.loads(ran.stdout)


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_window_of_twenty_columns_is_no_reason_to_fail(argv: list[str], tmp_path: Path) -> None:
    usual = docgenctl(tmp_path, *argv)
    narrow = docgenctl(tmp_path, *argv, environ={"COLUMNS": "20"})
    assert narrow.returncode == usual.returncode
    assert max(map(len, narrow.stdout.splitlines()), default=0) <= 20 or argv != ["--help"]


@pytest.mark.parametrize(
    "argv", [["--help"], ["config", "schema"], ["config", "show"], ["up", "--help"]], ids=" ".join
)
def test_a_reader_that_leaves_early_is_no_error(argv: list[str], tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "docgenctl", *argv],
            cwd=tmp_path / "workspace",
            env=environment(tmp_path),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_json_is_the_whole_of_standard_output(tmp_path: Path) -> None:
    for argv, code in (
        (["config", "validate"], 0),
        (["config", "show", "--origins"], 0),
        (["version"], 0),
        (["init"], 0),
        (["init"], 6),
        (["status"], 4),
        (["endpoint"], 5),
    ):
        ran = docgenctl(tmp_path, *argv, "--json")
        assert ran.returncode == code, ran.stderr
        assert isinstance(json.loads(ran.stdout), dict)


# -- what a start costs --------------------------------------------------------------------------------
def imported(tmp_path: Path, *argv: str, **environ: str) -> set[str]:
    """Top-level packages that a command imports."""
    (tmp_path / "workspace").mkdir(exist_ok=True)
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "docgenctl", *argv],
        cwd=tmp_path / "workspace",
        env=environment(tmp_path, **environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    names = (line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if "|" in line)
    return {name.split(".")[0] for name in names}


#: Each takes longer to import than Python takes to start.
HEAVY = {"docker", "requests", "pydantic", "jinja2", "cryptography", "ruamel", "rich", "platformdirs"}


@pytest.mark.parametrize("name", COMMAND_TABLE)
def test_no_help_page_imports_anything_heavy(name: str, tmp_path: Path) -> None:
    found = imported(tmp_path, name, "--help")
    assert not found & HEAVY
    assert "typer" in found, "nothing was imported at all"


def test_the_front_page_does_not_even_import_typer(tmp_path: Path) -> None:
    assert not imported(tmp_path, "--help") & {*HEAVY, "typer", "inspect", "dataclasses"}


@pytest.fixture
def engine_address() -> Iterator[str]:
    """An engine that has nothing, as far as looking at a stack needs one."""
    answers = {
        "version": {"ApiVersion": "1.41", "Version": "20.10.24", "Os": "linux", "Arch": "amd64"},
        "json": [],
        "networks": [],
        "volumes": {"Volumes": []},
    }

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps(answers[self.path.partition("?")[0].rpartition("/")[2]]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not in a test."""

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    folder = tempfile.mkdtemp(prefix="docgenctl-test-")  # socket paths end at 107 bytes
    with Server(f"{folder}/engine.sock", Answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"unix://{folder}/engine.sock"
        server.shutdown()
    shutil.rmtree(folder)


@pytest.mark.parametrize("argv", [("status",), ("status", "--json"), ("status", "-C", ".")], ids=" ".join)
def test_status_of_what_was_read_before_imports_nothing_heavy(
    argv: tuple[str, ...], tmp_path: Path, engine_address: str
) -> None:
    imported(tmp_path, "status", DOCKER_HOST=engine_address)
    found = imported(tmp_path, *argv, DOCKER_HOST=engine_address)
    assert not found & HEAVY
    assert "http" in found, "the engine was not even asked"


def test_a_render_with_nothing_to_do_imports_nothing_heavy(tmp_path: Path) -> None:
    first = imported(tmp_path, "render")
    assert {"pydantic", "jinja2"} <= first
    imported(tmp_path, "render")
    assert not imported(tmp_path, "render") & HEAVY


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "free_of"),
    [
        ("docgenctl sta", {*HEAVY, "typer"}),
        ("docgenctl logs ", HEAVY),
        ("docgenctl tools call f", HEAVY),
        ("docgenctl up --", HEAVY),
        ("docgenctl config get serv", HEAVY),
    ],
)
def test_completion_imports_nothing_heavy(shell: str, line: str, free_of: set[str], tmp_path: Path) -> None:
    asked = {"_DOCGENCTL_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    found = imported(tmp_path, **asked)
    assert not found & free_of
    assert "shlex" in found, "nothing was answered"


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (("nonsense",), set()),
        (("health", "--interval", "often"), set()),
        (("version",), set()),
        (("config", "validate"), {"pydantic", "ruamel"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_imports_only_what_it_needs(
    argv: tuple[str, ...], allowed: set[str], tmp_path: Path
) -> None:
    assert imported(tmp_path, *argv) & HEAVY <= allowed

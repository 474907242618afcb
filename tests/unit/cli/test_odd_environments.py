"""Homes, streams, locales, umasks and users as no developer has them: no traceback, one plain answer."""

import fcntl
import json
import os
import pty
import select
import stat
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl, environment, powerless
from tests.unit.cli.own_mounts import docgenctl_under

#: commands that end alike on every machine: without an engine, in an empty directory
ANSWERS = {"config show": 0, "--help": 0, "status": 4, "nonsense": 2}


def in_shell(folder: Path, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A shell in the workspace; "$@" is docgenctl."""
    (folder / "workspace").mkdir(exist_ok=True)
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "docgenctl"],
        cwd=folder / "workspace",
        env=environment(folder, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def plain(ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether nothing of ours broke."""
    return "Traceback" not in ran.stderr and "bug in docgenctl" not in ran.stderr


# -- directories ---------------------------------------------------------------------------------------
def test_a_directory_that_was_removed_meanwhile_is_told(tmp_path: Path) -> None:
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@" {}'
    for argv in ("status", "up", "config show", "init", "config set log_level debug"):
        ran = in_shell(tmp_path, script.format(argv))
        assert (ran.returncode, plain(ran)) == (2, True), ran.stderr
        assert "the current directory does not exist any more" in ran.stderr
    assert in_shell(tmp_path, script.format("--help")).returncode == 0


def test_a_directory_without_permission_is_told(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "docgen.yaml").write_text("version: 2\n")
    workspace.chmod(0o500)
    for argv in (["render"], ["init"], ["config", "set", "log_level", "debug"]):
        if argv == ["init"]:
            (workspace / "docgen.yaml").unlink()
        ran = powerless(tmp_path, *argv)
        assert ran.returncode == 6, ran.stderr
        assert "Permission denied" in ran.stderr
        assert "Hint: " in ran.stderr
        assert plain(ran)


@pytest.mark.parametrize(
    ("home", "code"), [("", 0), ("relative/home", 0), ("/nonexistent/home", 0), ("/dev/null", 0)]
)
def test_a_home_that_is_none_does_no_harm_to_those_who_need_none(
    tmp_path: Path, home: str, code: int
) -> None:
    for argv in ("config show", "version", "config set log_level debug"):
        ran = in_shell(tmp_path, f'exec "$@" {argv}', HOME=home, DOCGENCTL_STATE_DIR="")
        assert (ran.returncode, plain(ran)) == (code, True), ran.stderr


def test_without_home_in_the_environment_the_user_s_own_is_found(tmp_path: Path) -> None:
    ran = in_shell(tmp_path, 'unset HOME; exec "$@" config show')
    assert (ran.returncode, plain(ran)) == (0, True), ran.stderr


@pytest.mark.parametrize(
    ("mount", "reason"),
    [
        ("size=64k,ro", "Read-only file system"),
        ("size=4k", "KiB free, and needs 1024 KiB"),
        ("size=64k,nr_inodes=1", "No space left on device"),
    ],
)
def test_a_home_that_takes_nothing_is_refused_before_any_work(
    tmp_path: Path, mount: str, reason: str
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    ran = docgenctl_under(tmp_path, f'mount -t tmpfs -o {mount},mode=700 none "$0/state"', "render")
    assert ran.returncode == 6, ran.stderr
    assert str(tmp_path / "state") in ran.stderr
    assert reason in ran.stderr
    assert "Hint: " in ran.stderr
    assert not any((tmp_path / "workspace").iterdir())


@pytest.mark.parametrize("place", ["workspace", "state"])
@pytest.mark.parametrize(
    ("mount", "word"), [("size=64k", "KiB free"), ("size=64m,nr_inodes=9", "inodes free")]
)
def test_a_disk_that_is_nearly_full_is_refused_before_any_work(
    tmp_path: Path, place: str, mount: str, word: str
) -> None:
    (tmp_path / place).mkdir(mode=0o700)
    ran = docgenctl_under(
        tmp_path, f'mount -t tmpfs -o {mount},mode=700 none "$0/{place}"', "render", "--json"
    )
    assert ran.returncode == 6, ran.stderr
    error = json.loads(ran.stdout)["error"]
    assert error["code"] == "disk_full"
    assert str(tmp_path / place) in error["message"]
    assert word in error["message"]
    assert f"df -{'h' if word == 'KiB free' else 'i'} " in error["hint"]


@pytest.mark.engine
def test_up_on_a_full_disk_starts_nothing(tmp_path: Path, engine: object) -> None:
    """With the real engine, which is asked afterwards what there is."""
    assert engine
    ran = docgenctl_under(
        tmp_path, 'mount -t tmpfs -o size=64k none "$0/workspace"', "up", environ={"DOCKER_HOST": ""}
    )
    assert ran.returncode == 6, ran.stderr
    assert "KiB free, and needs 1024 KiB" in ran.stderr
    status = docgenctl(tmp_path, "status", "--json", environ={"DOCKER_HOST": ""})
    assert (status.returncode, json.loads(status.stdout)) == (0, [])


# -- streams -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(tmp_path: Path, closed: str) -> None:
    for argv, code in ANSWERS.items():
        ran = in_shell(tmp_path, f'exec "$@" {argv} {closed}')
        assert (ran.returncode, plain(ran)) == (code, True), ran.stderr


@pytest.mark.parametrize("argv", ["config schema", "--help", "version"])
def test_a_full_disk_behind_standard_output_is_told_and_is_no_success(tmp_path: Path, argv: str) -> None:
    ran = in_shell(tmp_path, f'exec "$@" {argv} >/dev/full')
    assert ran.returncode == 6, ran.stderr
    assert plain(ran)
    assert "cannot be written: No space left on device" in ran.stderr


def test_a_full_disk_behind_standard_error_leaves_the_exit_code(tmp_path: Path) -> None:
    ran = in_shell(tmp_path, 'exec "$@" nonsense 2>/dev/full')
    assert ran.returncode == 2


# -- words ---------------------------------------------------------------------------------------------
LOCALES = [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:strict"},
    {"LANG": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "no_such_LOCALE", "PYTHONUTF8": "0"},
]


@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: " ".join(locale.values()))
def test_no_locale_turns_text_into_a_traceback(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_text("workspace: {output: docs/über-日本}\nprojekt: ✔\n")
    for argv, code in ((["config", "validate"], 3), (["config", "set", "x", "ü✔"], 2)):
        ran = docgenctl_bytes(tmp_path, *argv, environ=locale)
        assert ran.returncode == code, ran.stderr
        assert b"Traceback" not in ran.stderr
        assert b"bug in docgenctl" not in ran.stderr


def docgenctl_bytes(folder: Path, *argv: str, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Output as bytes, in whatever encoding it is."""
    return subprocess.run(
        [sys.executable, "-m", "docgenctl", *argv],
        cwd=folder / "workspace",
        env=environment(folder, **environ),
        capture_output=True,
        timeout=60,
    )


def test_an_argument_that_is_no_text_is_told(tmp_path: Path) -> None:
    ran = in_shell(tmp_path, r"""exec "$@" config set project "$(printf 'caf\351')" """)
    assert (ran.returncode, plain(ran)) == (3, True), ran.stderr
    ran = in_shell(tmp_path, r"""exec "$@" "$(printf 'caf\351')" """)
    assert (ran.returncode, plain(ran)) == (2, True), ran.stderr


@pytest.mark.parametrize("columns", ["1", "0", "-5", "many", "99999999999"])
def test_no_width_is_a_reason_to_fail(tmp_path: Path, columns: str) -> None:
    for argv, code in ((("--help",), 0), (("up", "--help"), 0)):
        ran = docgenctl(tmp_path, *argv, environ={"COLUMNS": columns, "LINES": columns})
        assert (ran.returncode, plain(ran)) == (code, True), ran.stderr


# -- users ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("umask", ["000", "077", "777"])
def test_the_umask_decides_nothing_that_matters(tmp_path: Path, umask: str) -> None:
    ran = in_shell(tmp_path, f'umask {umask}; exec "$@" render')
    assert ran.returncode == 0, ran.stderr
    workspace = tmp_path / "workspace"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in workspace.iterdir()}
    assert modes["docker-compose.mcp.yml"] == 0o644
    assert modes[".env.mcp"] == 0o600
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) in (0o600, 0o700), path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody without a name")
def test_a_user_without_a_name_can_work() -> None:
    with tempfile.TemporaryDirectory() as name:  # not below pytest's, which only its owner may enter
        folder = Path(name)
        (folder / "workspace").mkdir()
        for path in (folder, folder / "workspace"):
            os.chown(path, 54321, 54321)
        ran = docgenctl_under(
            folder, ":", "render", environ={"PYTHONDONTWRITEBYTECODE": "1"}, user=("54321", "54321")
        )
        assert ran.returncode == 0, ran.stderr
        assert (folder / "workspace" / "docker-compose.mcp.yml").stat().st_uid == 54321


# -- hostile variables ---------------------------------------------------------------------------------
HOSTILE = {
    "COMPOSE_FILE": "/etc/passwd:../../x.yml",
    "COMPOSE_PROJECT_NAME": "somebody-else",
    "COMPOSE_PROFILES": "*",
    "COMPOSE_PATH_SEPARATOR": "/",
    "DOCKER_DEFAULT_PLATFORM": "windows/arm64",
    "DOCKER_API_VERSION": "0.1",
    "DOCKER_CERT_PATH": "/nonexistent",
    "DOCKER_BUILDKIT": "1",
}


def fake_docker(folder: Path) -> Path:
    """A PATH entry whose programs leave a mark when they are run."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("docker", "docker-compose", "dockerd", "git", "pip", "python"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {folder}/was-run-{name}\nexit 1\n")
        (programs / name).chmod(0o755)
    return programs


def rendered(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder / "workspace")): path.read_text()
        for path in sorted((folder / "workspace").rglob("*"))
        if path.is_file() and path.name not in (".env",)
    }


def test_variables_of_other_tools_and_programs_in_path_change_nothing(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "render").returncode == 0
    before = rendered(tmp_path)
    programs = fake_docker(tmp_path)
    ran = docgenctl(
        tmp_path, "render", environ={**HOSTILE, "PATH": f"{programs}:/usr/bin:/bin", "DOCKER_TLS_VERIFY": ""}
    )
    assert ran.returncode == 0, ran.stderr
    assert rendered(tmp_path) == before
    assert not list(tmp_path.glob("was-run-*"))


def test_a_workspace_cannot_choose_the_engine(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / ".env").write_text(
        "DOCKER_HOST=tcp://203.0.113.9:2375\nPATH=/evil\nPYTHONPATH=/evil\nLD_PRELOAD=/evil.so\n"
        "DOCGENCTL_STATE_DIR=/evil\n"
    )
    ran = docgenctl(tmp_path, "status")
    assert ran.returncode == 4
    assert "203.0.113.9" not in ran.stderr
    validated = docgenctl(tmp_path, "config", "validate")
    assert "Note: .env sets DOCKER_HOST: docgenctl does not read that from a file" in validated.stderr


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"DOCKER_HOST": "tcp://203.0.113.9:2375"}, "unsupported"),
        ({"DOCKER_HOST": "ssh://root@203.0.113.9"}, "unsupported"),
        ({"DOCKER_HOST": "npipe:////./pipe/docker_engine"}, "unsupported"),
        ({"DOCKER_HOST": "unix://relative.sock"}, None),
        ({"DOCKER_HOST": "tcp://127.0.0.1:99999"}, None),
        ({"DOCKER_HOST": "nonsense"}, "unsupported"),
        ({"DOCKER_HOST": "unix:///\x07\x1b[31m"}, None),
        ({"DOCKER_HOST": "unix://" + "/x" * 4000}, None),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "../../../etc"}, "wrong_context"),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "nonesuch"}, "wrong_context"),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "a\x1b[2Jb"}, "wrong_context"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_with_its_source(
    tmp_path: Path, environ: dict[str, str], code: str | None
) -> None:
    ran = docgenctl(tmp_path, "status", "--json", environ=environ)
    assert ran.returncode == 4, ran.stderr
    error = json.loads(ran.stdout)["error"]
    assert error["code"] == (code or error["code"])
    assert error["code"] in ("unsupported", "wrong_context", "stopped", "absent")
    assert error["hint"]
    assert plain(ran)
    assert "\x1b" not in ran.stderr
    assert max(map(len, ran.stderr.splitlines())) <= len("Error: ") + 1000


# -- a narrow window -----------------------------------------------------------------------------------
def test_what_people_copy_is_not_broken_by_a_terminal_of_twenty_columns(tmp_path: Path) -> None:
    """Paths, key paths and commands of messages stay whole: the terminal folds them, and copying unfolds."""
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_text("ports: {orchestrator: 99999}\n")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 20, 0, 0))
    said = {}
    for argv in (["config", "validate"], ["-C", "/no/such/directory/anywhere"], ["up", "--help"]):
        line = ["status", *argv] if argv[0] == "-C" else argv
        running = subprocess.Popen(
            [sys.executable, "-m", "docgenctl", *line],
            cwd=tmp_path / "workspace",
            env=environment(tmp_path, TERM="xterm"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        received = b""
        while running.poll() is None or select.select([ours], [], [], 0)[0]:
            if select.select([ours], [], [], 0.1)[0]:
                received += os.read(ours, 65_536)
        said[argv[0]] = (running.returncode, received.decode().replace("\r\n", "\n"))
    os.close(ours)
    os.close(theirs)
    assert said["config"][0] == 3
    assert "docgen.yaml:1: ports/orchestrator: 99999 leaves the ports there are" in said["config"][1]
    assert said["-C"][0] == 2
    assert "/no/such/directory/anywhere is not a directory" in said["-C"][1]
    assert said["up"][0] == 0
    assert "--recreate" in said["up"][1]

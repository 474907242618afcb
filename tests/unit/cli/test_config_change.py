"""`docgenctl config get|set|unset|migrate|edit`, through the command line."""

import contextlib
import io
import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from docgenctl.cli.app import run
from tests.unit.cli.command import environment
from tests.unit.cli.own_mounts import docgenctl_under

TEXT = "# mine\nversion: 2\nports:\n  orchestrator: 9300  # the endpoint\n"


def docgenctl(
    folder: Path, *argv: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """In this process, which saves half a second a time; what needs a process of its own has one."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(workspace),
        patch.dict(os.environ, environment(folder, **(environ or {})), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(argv)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    path = tmp_path / "workspace" / "docgen.yaml"
    path.write_text(TEXT)
    return path


def test_a_setting_is_written_in_its_place_and_nothing_else_changes(tmp_path: Path, file: Path) -> None:
    file.chmod(0o640)
    ran = docgenctl(tmp_path, "config", "set", "ports/orchestrator", "9400-9410")
    assert ran.returncode == 0, ran.stderr
    assert file.read_text() == TEXT.replace("9300", '"9400-9410"')
    assert '+  orchestrator: "9400-9410"  # the endpoint' in ran.stdout.splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["docgen.yaml"]
    assert docgenctl(tmp_path, "config", "get", "ports/orchestrator").stdout == "9400-9410\n"


@pytest.mark.parametrize(
    ("key", "typed", "line", "read"),
    [
        ("images/python", "3.13", '  python: "3.13"', "3.13"),
        ("images/fallback", "false", "  fallback: false", "false"),
        ("limits/cpus", "2", "  cpus: 2", "2.0"),
        ("limits/memory", "1g", "  memory: 1g", "1g"),
        ("gateway/request_timeout", "5m", "  request_timeout: 5m", "5m"),
        ("gateway/hostnames", "localhost,a.example", '  hostnames: ["localhost", "a.example"]', None),
        ("gateway/hostnames", "[b.example]", '  hostnames: ["b.example"]', '["b.example"]'),
        ("servers/github/port", "3005", "    port: 3005", "3005"),
        ("servers/github/options/repositories", "a/b", '      repositories: ["a/b"]', '["a/b"]'),
        ("project", "true", 'project: "true"', "true"),
        ("workspace/output", "docs/über uns", '  output: "docs/über uns"', "docs/über uns"),
    ],
)
def test_a_value_is_written_as_its_setting_wants_it(
    tmp_path: Path, file: Path, key: str, typed: str, line: str, read: str | None
) -> None:
    ran = docgenctl(tmp_path, "config", "set", key, typed)
    assert ran.returncode == 0, ran.stderr
    assert line in file.read_text().splitlines()
    got = docgenctl(tmp_path, "config", "get", key)
    assert got.stdout.strip() == (read or '["localhost", "a.example"]')


@pytest.mark.parametrize(
    ("key", "value", "code", "message", "hint"),
    [
        ("ports/orchestrator", "99999", 3, "VALUE: ports/orchestrator: '99999' leaves the ports", "write a"),
        ("log_level", "lout", 3, "VALUE: log_level: 'lout' is not one of", "write debug"),
        ("gateway/hostnames", "[a, b c]", 3, "'b c' is not a host name", "write docs.example.com"),
        ("servers/github/options/repositories", "octo", 3, "'octo' does not fit", "Repositories it may read"),
        ("servers/github/options/read_only", "octo", 3, "'octo' is not true or false", "write true or false"),
        ("project", "", 3, "VALUE: project: '' is not a name", "write 2 to 32"),
        ("servers/github/port", "9300", 3, "port 9300 is taken by ports/orchestrator", "choose another"),
        ("servers/extra/port", "9000", 3, "there is no server image named 'extra'", "write `image:`"),
        ("log_levl", "info", 2, "log_levl is not a setting", "did you mean `log_level`?"),
        ("log.level", "info", 2, "log.level is not a key path", "write it with slashes: log/level"),
        ("MCP_LOG_LEVEL", "info", 2, "MCP_LOG_LEVEL is an environment variable", "its key path is log_level"),
        ("log_level/x", "info", 2, "log_level/x is not a setting", "log_level is one, and has nothing below"),
        ("ports", "1", 2, "ports is a section, not a setting", "docgenctl config get ports"),
        ("", "1", 2, " is not a setting", "known here"),
        ("GITHUB_TOKEN", "x", 6, "GITHUB_TOKEN is a secret", "set GITHUB_TOKEN in the environment"),
        ("project", "ghp_" + "a" * 36, 6, "looks like a secret", "set the variable that"),
        ("images/base", "https://u:pw@h/i", 6, "looks like a secret", "set the variable that"),
    ],
)
def test_what_cannot_be_written_is_told_and_not_written(
    tmp_path: Path, file: Path, key: str, value: str, code: int, message: str, hint: str
) -> None:
    ran = docgenctl(tmp_path, "config", "set", key, value)
    assert ran.returncode == code, ran.stderr
    assert message in ran.stderr.splitlines()[0]
    assert f"Hint: {hint}" in ran.stderr
    assert file.read_text() == TEXT
    if code == 6:
        assert value not in ran.stderr or len(value) == 1


def test_a_file_with_mistakes_elsewhere_is_left_alone_and_they_are_told_with_their_lines(
    tmp_path: Path, file: Path
) -> None:
    file.write_text(TEXT + "limits: {cpus: lots}\n")
    ran = docgenctl(tmp_path, "config", "set", "log_level", "debug")
    assert ran.returncode == 3
    assert "docgen.yaml:5: limits/cpus: 'lots' is not a number" in ran.stderr
    assert docgenctl(tmp_path, "config", "set", "limits/cpus", "2").returncode == 0


def test_setting_without_a_file_makes_one(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "config", "set", "log_level", "debug").returncode == 0
    path = tmp_path / "workspace" / "docgen.yaml"
    assert path.read_text() == "version: 2\nlog_level: debug\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmp_path: Path, file: Path) -> None:
    for argv in (["set", "log_level", "debug"], ["unset", "ports/orchestrator"]):
        ran = docgenctl(tmp_path, "config", *argv, "--dry-run")
        assert ran.returncode == 0
        assert ran.stdout.startswith("--- a/docgen.yaml\n+++ b/docgen.yaml\n")
        assert file.read_text() == TEXT


def test_whoever_sets_what_a_variable_overrides_is_told(tmp_path: Path, file: Path) -> None:
    argv = ["config", "set", "log_level", "debug"]
    ran = docgenctl(tmp_path, *argv, environ={"MCP_LOG_LEVEL": "error"})
    assert "MCP_LOG_LEVEL in the environment wins over docgen.yaml: log_level stays error" in ran.stderr
    (file.parent / ".env").write_text("MCP_LOG_LEVEL=warning\n")
    ran = docgenctl(tmp_path, *argv, "--dry-run", "--json")
    assert json.loads(ran.stdout)["notes"] == [
        "MCP_LOG_LEVEL in .env wins over docgen.yaml: log_level stays warning"
    ]


def test_a_setting_is_removed_so_that_its_default_holds(tmp_path: Path, file: Path) -> None:
    ran = docgenctl(tmp_path, "config", "unset", "ports/orchestrator", "--json")
    assert json.loads(ran.stdout)["written"] is True
    assert file.read_text() == "# mine\nversion: 2\n"
    assert docgenctl(tmp_path, "config", "get", "ports/orchestrator").stdout == "8080-8180\n"
    again = docgenctl(tmp_path, "config", "unset", "ports/orchestrator")
    assert (again.returncode, again.stderr) == (0, "Nothing to change.\n")


def test_get_prints_a_section_and_says_where_values_come_from(tmp_path: Path, file: Path) -> None:
    section = docgenctl(tmp_path, "config", "get", "ports").stdout.splitlines()
    assert [line.split() for line in section[1:]] == [
        ["ports/bind", "127.0.0.1"],
        ["ports/orchestrator", "9300"],
    ]
    told = json.loads(docgenctl(tmp_path, "config", "get", "ports/orchestrator", "--json").stdout)
    assert told == {"ports/orchestrator": {"value": "9300", "from": "docgen.yaml:4"}}


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    real = tmp_path / "dotfiles.yaml"
    file.rename(real)
    file.symlink_to(real)
    assert docgenctl(tmp_path, "config", "set", "log_level", "debug").returncode == 0
    assert file.is_symlink()
    assert "log_level: debug" in real.read_text()


def test_changes_made_at_once_all_arrive(tmp_path: Path, file: Path) -> None:
    keys = {"log_level": "debug", "limits/cpus": "2", "limits/pids": "99", "images/fallback": "false"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "docgenctl", "config", "set", key, value],
            cwd=file.parent,
            env=environment(tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for key, value in keys.items()
    ]
    assert [process.communicate(timeout=60)[1].count("Error") for process in running] == [0] * len(keys)
    for key, value in keys.items():
        assert docgenctl(tmp_path, "config", "get", key).stdout.strip().removesuffix(".0") == value


@pytest.mark.parametrize(
    ("mount", "reason"), [("size=64k,ro", "Read-only file system"), ("size=4k", "No space left on device")]
)
def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, mount: str, reason: str) -> None:
    prepare = (
        'mount -t tmpfs -o size=64k none "$0/workspace"; echo "version: 2" > "$0/workspace/docgen.yaml";'
        f' mount -o remount,{mount} "$0/workspace"'
    )
    ran = docgenctl_under(tmp_path, prepare, "config", "set", "log_level", "debug")
    assert ran.returncode == 6, ran.stderr
    assert f"docgen.yaml cannot be written: {reason}; nothing was changed" in ran.stderr


# -- migrate -------------------------------------------------------------------------------------------
OLD = "# mine\nversion: 1\ngateway:\n  request_timeout_s: 600  # long\n"
NEW = "# mine\nversion: 2\ngateway:\n  request_timeout: 10m  # long\n"


def test_an_old_file_works_with_a_note_until_it_is_migrated(tmp_path: Path, file: Path) -> None:
    file.write_text(OLD)
    ran = docgenctl(tmp_path, "config", "validate")
    assert ran.returncode == 0
    assert "Note: docgen.yaml has layout 1" in ran.stderr
    refused = docgenctl(tmp_path, "config", "set", "log_level", "debug")
    assert (refused.returncode, "Hint: docgenctl config migrate" in refused.stderr) == (3, True)

    dry = docgenctl(tmp_path, "config", "migrate", "--dry-run")
    assert "+  request_timeout: 10m  # long" in dry.stdout
    assert file.read_text() == OLD

    migrated = docgenctl(tmp_path, "config", "migrate", "--json")
    document = json.loads(migrated.stdout)
    assert file.read_text() == NEW
    assert Path(document["backup"]).read_text() == OLD
    assert docgenctl(tmp_path, "config", "validate").stderr == ""

    again = docgenctl(tmp_path, "config", "migrate")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "Nothing to change.\n")
    assert sorted(path.name for path in file.parent.iterdir()) == ["docgen.yaml", "docgen.yaml.1.bak"]


def test_a_second_migration_keeps_the_first_backup(tmp_path: Path, file: Path) -> None:
    for text in (OLD, "# another\n" + OLD):
        file.write_text(text)
        assert docgenctl(tmp_path, "config", "migrate").returncode == 0
    assert (file.parent / "docgen.yaml.1.bak").read_text() == OLD
    assert (file.parent / "docgen.yaml.2.bak").read_text() == "# another\n" + OLD


def test_there_is_nothing_to_migrate_without_a_file_or_in_a_newer_one(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "config", "migrate").returncode == 0
    (tmp_path / "workspace" / "docgen.yaml").write_text("version: 7\nnew: {}\n")
    for argv in (["config", "migrate"], ["config", "validate"], ["status"]):
        ran = docgenctl(tmp_path, *argv)
        assert ran.returncode == 3
        assert "layout 7 is newer than this docgenctl" in ran.stderr


# -- edit ----------------------------------------------------------------------------------------------
def edited(folder: Path, script: str, answers: bytes = b"") -> tuple[int, str]:
    """`config edit` on a terminal, with a shell script as editor; $1 is the copy."""
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "docgenctl", "config", "edit"],
        cwd=folder / "workspace",
        env=environment(folder, TERM="dumb", EDITOR=f"'{editor}' --wait", VISUAL="", TMPDIR=str(folder)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, answers)
    received = b""
    try:
        while part := os.read(ours, 65_536):
            received += part
    except OSError:
        pass
    finally:
        os.close(ours)
    return running.wait(timeout=60), received.decode().replace("\r\n", "\n")


def test_a_valid_edit_takes_the_file_s_place(tmp_path: Path, file: Path) -> None:
    code, said = edited(tmp_path, 'echo "log_level: debug" >> "$2"')
    assert code == 0, said
    assert file.read_text() == TEXT + "log_level: debug\n"
    assert not list(tmp_path.glob("docgenctl-edit-*"))


def test_a_wrong_edit_is_shown_and_edited_again(tmp_path: Path, file: Path) -> None:
    once = tmp_path / "once"
    wrong, right = 'echo "log_level: loud" >> "$2"', 'sed -i s/loud/error/ "$2"'
    script = f"if [ -e {once} ]; then {right}; else touch {once}; {wrong}; fi"
    code, said = edited(tmp_path, script, b"y\n")
    assert code == 0, said
    assert "docgen.yaml:5: log_level: 'loud' is not one of" in said
    assert file.read_text() == TEXT + "log_level: error\n"


def test_giving_up_keeps_the_file_and_the_edited_text(tmp_path: Path, file: Path) -> None:
    code, said = edited(tmp_path, 'echo "log_level: loud" >> "$2"', b"n\n")
    assert code == 6
    assert file.read_text() == TEXT
    (kept,) = tmp_path.glob("docgenctl-edit-*/docgen.yaml")
    assert kept.read_text() == TEXT + "log_level: loud\n"
    assert str(kept) in said


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("exit 3", "ended with exit code 3"),
        (": > docgen.yaml; echo '#' >> \"$2\"", "changed by somebody else"),
    ],
)
def test_an_editor_that_fails_or_a_file_that_moved_on_changes_nothing(
    tmp_path: Path, file: Path, script: str, word: str
) -> None:
    code, said = edited(tmp_path, script)
    assert code == 6
    assert word in said
    assert file.read_text() in (TEXT, "")


def test_without_a_file_the_editor_opens_the_starter(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    code, _ = edited(tmp_path, 'grep -q "docgenctl config validate" "$2"')
    assert code == 0
    assert "#ports:" in (tmp_path / "workspace" / "docgen.yaml").read_text()


def test_nothing_is_edited_off_a_terminal(tmp_path: Path, file: Path) -> None:
    ran = docgenctl(tmp_path, "config", "edit", environ={"EDITOR": "false"})
    assert ran.returncode == 2
    assert "Hint: docgenctl config set KEY VALUE" in ran.stderr

"""Pressing tab: in a real bash with the script that the tool prints, and what other shells are answered."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docgenctl.actions.suggest import DEFAULT_SERVERS
from docgenctl.cli.app import COMMANDS
from docgenctl.cli.completion import candidates
from docgenctl.cli.generate import KINDS
from docgenctl.model.settings import Settings
from tests.unit.cli.command import docgenctl, environment

Complete = Callable[[str], list[str]]

#: What bash does when tab is pressed: it sets these variables and calls the function of the command.
_PRESS_TAB = """
source "$1"
read -r -a COMP_WORDS <<<"$2"
case "$2" in *" ") COMP_WORDS+=("");; esac
COMP_LINE=$2 COMP_POINT=${#2} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
spec=$(complete -p docgenctl)
function=${spec#*-F }
"${function%% *}" docgenctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(tmp_path: Path) -> Complete:
    """Presses tab after a line in bash, where `docgenctl` is a program on PATH."""
    bash = shutil.which("bash")
    assert bash is not None
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "docgenctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m docgenctl "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    docgenctl(tmp_path, "config", "validate")
    shown = docgenctl(
        tmp_path, "--show-completion", "bash", environ={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    script = tmp_path / "completion.sh"
    script.write_text(shown.stdout)

    def press(line: str) -> list[str]:
        ran = subprocess.run(
            [bash, "--norc", "-c", _PRESS_TAB, "bash", script, line],
            cwd=tmp_path / "workspace",
            env=environment(tmp_path, PATH=f"{programs}:{os.environ['PATH']}"),
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        assert ran.stderr == ""
        return [word for word in ran.stdout.splitlines() if word]

    return press


def test_bash_completes_commands_options_services_and_kinds(tab: Complete) -> None:
    assert tab("docgenctl ") == list(COMMANDS)
    assert set(tab("docgenctl st")) == {"start", "stop", "status"}
    assert tab("docgenctl tools ") == ["list", "inspect", "accept", "call"]
    assert {"--project-dir", "--stats", "--json"} <= set(tab("docgenctl status --"))
    assert tab("docgenctl status --st") == ["--stats"]
    assert tab("docgenctl logs ") == ["egress", "gateway", "github", "main", "orchestrator"]
    assert tab("docgenctl restart gateway g") == ["github"]
    assert tab("docgenctl generate ") == list(KINDS)
    assert tab("docgenctl generate a") == ["architecture", "api-reference", "adr"]


def test_bash_completes_servers_that_were_configured_and_tools_that_were_listed(
    tab: Complete, tmp_path: Path
) -> None:
    (tmp_path / "workspace" / "docgen.yaml").write_text("servers:\n  docs:\n    image: main\n")
    assert docgenctl(tmp_path, "render").returncode == 0
    assert "docs" in tab("docgenctl stop ")
    assert "docs" in tab("docgenctl endpoint ")
    state = next(path for path in (tmp_path / "state").iterdir() if path.is_dir())
    (state / "tools.json").write_text(json.dumps(["files_list", "files_read", "github_list"]))
    (state / "tools.json").chmod(0o600)
    assert tab("docgenctl tools call files_") == ["files_list", "files_read"]
    assert tab("docgenctl tools call files_list ") == []
    assert {"servers/docs/port", "servers/docs/image"} <= set(tab("docgenctl config get servers/docs/"))


def test_bash_completes_services_as_the_stack_has_them_and_servers_where_only_those_can_be(
    tab: Complete, tmp_path: Path
) -> None:
    file = tmp_path / "workspace" / "docgen.yaml"
    file.write_text("orchestrator: {replicas: 2}\nservers:\n  search: {image: example.com/search}\n")
    assert docgenctl(tmp_path, "render").returncode == 0
    of_the_stack = [
        "egress",
        "gateway",
        "github",
        "main",
        "orchestrator",
        "search",
        "search-origin",
        "valkey",
    ]
    assert tab("docgenctl logs ") == of_the_stack
    assert tab("docgenctl restart v") == ["valkey"]
    assert tab("docgenctl servers remove ") == ["github", "main", "search"]
    assert tab("docgenctl servers lock main ") == ["github", "search"]

    file.write_text("servers:\n  github: {enabled: false}\n")
    assert docgenctl(tmp_path, "plan").returncode == 0
    assert tab("docgenctl logs ") == of_the_stack, "a plan makes no other stack"
    assert docgenctl(tmp_path, "render").returncode == 0
    assert tab("docgenctl logs ") == ["egress", "gateway", "main", "orchestrator"]


def test_a_value_that_names_a_file_is_left_to_the_shell(tab: Complete) -> None:
    assert tab("docgenctl status -C ") == []
    assert tab("docgenctl nonsense ") == []
    assert "main" in tab('docgenctl logs "m')


def test_services_of_the_named_workspace_are_offered(tab: Complete, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "docgen.yaml").write_text("servers:\n  elsewhere:\n    image: main\n")
    assert docgenctl(tmp_path, "render", "-C", str(other)).returncode == 0
    assert "elsewhere" in tab(f"docgenctl stop -C {other} ")
    assert "elsewhere" not in tab("docgenctl stop ")


def test_the_servers_offered_before_anything_was_read_are_the_default_ones() -> None:
    assert sorted(DEFAULT_SERVERS) == sorted(Settings().servers)


def asked(folder: Path, instruction: str, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {"_DOCGENCTL_COMPLETE": instruction, "_TYPER_COMPLETE_ARGS": line, **more}
    return docgenctl(folder, environ=environ)


def test_zsh_and_fish_get_meanings_too(tmp_path: Path) -> None:
    zsh = asked(tmp_path, "complete_zsh", "docgenctl sta").stdout
    assert zsh.startswith('_arguments \'*: :(("start":"Start stopped services')
    assert zsh.rstrip().endswith("))'")
    assert asked(tmp_path, "complete_zsh", "docgenctl status -C ").stdout == "_files\n"
    fish = asked(tmp_path, "complete_fish", "docgenctl stat", _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert fish.stdout == f"status\t{COMMANDS['status'].summary}\n"


def test_fish_is_told_whether_there_is_anything_to_offer(tmp_path: Path) -> None:
    action = {"_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert asked(tmp_path, "complete_fish", "docgenctl stat", **action).returncode == 0
    assert asked(tmp_path, "complete_fish", "docgenctl status -C ", **action).returncode == 1


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_can_evaluate_every_answer(tmp_path: Path) -> None:
    for line in ("docgenctl ", "docgenctl status --", "docgenctl tools "):
        answer = asked(tmp_path, "complete_zsh", line).stdout
        subprocess.run(["zsh", "-fc", f"_arguments() {{ :; }}; {answer}"], check=True, timeout=30)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_completed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCGENCTL_STATE_DIR", str(tmp_path / "state"))
    offered = {candidate.value for candidate in candidates([name], "-")}
    assert {"--help", "-h"} <= offered
    candidates([name], "")
    assert not (tmp_path / "state").exists(), "completing has made something"


def test_shells_get_no_errors(tmp_path: Path) -> None:
    broken = tmp_path / "state"
    broken.write_text("not a directory")
    for line in ("docgenctl logs ", "docgenctl tools call ", "docgenctl --project-dir"):
        ran = asked(tmp_path, "complete_fish", line)
        assert ran.stderr == ""
    assert asked(tmp_path, "complete_tcsh", "docgenctl ").returncode != 0

"""Many commands at once: real processes, the real command line, the real lock."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docgenctl.actions.changing import changing_state
from docgenctl.configuration.project_identity import identify_project
from docgenctl.model.settings import Settings
from docgenctl.state.directory import state_directory


def many(directory: Path, count: int, *arguments: str) -> list[tuple[int, str]]:
    """Exit code and messages of so many commands, all begun before the first has ended."""
    environ = {
        **os.environ,
        "DOCGENCTL_STATE_DIR": str(directory / "state"),
        "DOCGENCTL_CACHE_DIR": str(directory / "cache"),
        "DOCKER_HOST": f"unix://{directory}/no-engine.sock",
    }
    command = [sys.executable, "-m", "docgenctl", *arguments]
    started = [
        subprocess.Popen(
            command,
            cwd=directory / "workspace",
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    return [(process.wait(600), process.communicate()[1]) for process in started]


@pytest.mark.parametrize("count", [8, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_of_many_commands_at_once_each_works_or_says_who_does(tmp_path: Path, count: int) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    ended = many(tmp_path, count, "render")
    codes = [code for code, _ in ended]
    assert codes.count(0) >= 1
    assert set(codes) <= {0, 7}, ended
    assert all("is changing this stack" in told for code, told in ended if code == 7)
    waited = many(tmp_path, count, "render", "--wait-lock", "500")
    assert [code for code, _ in waited] == [0] * count


@pytest.mark.parametrize("count", [8, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_while_one_works_all_others_say_who(tmp_path: Path, count: int) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    project = identify_project(workspace, Settings())
    state = state_directory(project, {"DOCGENCTL_STATE_DIR": str(tmp_path / "state")})
    with changing_state(state, "docgenctl up"):
        ended = many(tmp_path, count, "render")
    assert [code for code, _ in ended] == [7] * count
    assert all("`docgenctl up` is changing this stack: started by" in told for _, told in ended)
    assert all(f"(process {os.getpid()})" in told for _, told in ended)

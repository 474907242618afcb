"""Somebody installs the built wheel as uv does, and types what the README says in a repository of theirs."""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from tests.docs.documents import ROOT, block
from tests.engine_fixtures import engine, remove_project

__all__ = ["engine"]

#: The first `up` on a machine makes the base image and builds all others.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

UV = Path(sysconfig.get_path("scripts")) / "uv"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has the tool, and neither its sources nor a setting of it."""
    ours = ("DOCGEN", "MCP_", "GITHUB_", "ORCHESTRATOR_", "MAIN_", "PYTHON", "XDG_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    cache = os.environ.get("DOCGENCTL_CACHE_DIR")
    return kept | {
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "NO_COLOR": "1",
        **({"DOCGENCTL_CACHE_DIR": cache} if cache else {}),
    }


@pytest.fixture
def run(newcomer: dict[str, str], tmp_path: Path) -> Run:
    """Runs a program in the newcomer's repository; anything but success fails the test."""

    def run(*command: str | Path, where: str = "harbour") -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            list(map(str, command)),
            cwd=tmp_path / where,
            env=newcomer,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path))
    subprocess.run([sys.executable, "-m", "pip", "-qq", "wheel", *offline, str(ROOT)], check=True)
    return next(tmp_path.glob("docgenctl-*.whl"))


@pytest.fixture
def repository(run: Run, tmp_path: Path) -> Path:
    """A repository with a README and a commit, and nothing of ours."""
    folder = tmp_path / "harbour"
    folder.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    (folder / "README.md").write_text("# Harbour\n\nLets ships in.\n")
    run("git", "init", "-q")
    run("git", "add", "-A")
    run("git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "commit", "-qm", "Begin")
    return folder


@pytest.fixture
def swept(engine: DockerEngine, repository: Path, run: Run) -> Iterator[list[str]]:
    """Whatever projects are named here are gone afterwards."""
    projects: list[str] = []
    yield projects
    for project in projects:
        remove_project(engine, project)


def commands() -> list[str]:
    """What the README has a newcomer type, without its comments."""
    text = block("../README.md", "typed by a test, in a repository that has never seen docgenctl")
    return [line.partition("#")[0].strip() for line in text.splitlines()]


def test_what_the_readme_says_works_with_the_installed_wheel_alone(
    run: Run, wheel: Path, repository: Path, swept: list[str], tmp_path: Path
) -> None:
    run(UV, "tool", "install", "--quiet", "--python", sys.executable, wheel)
    installed = tmp_path / "bin" / "docgenctl"
    where = run(
        tmp_path / "tools" / "docgenctl" / "bin" / "python", "-c", "import docgenctl as d; print(d.__file__)"
    )
    assert where.stdout.startswith(str(tmp_path / "tools"))
    swept.append(run(installed, "describe").stdout.partition(":")[0])

    said = {}
    for command in commands():
        program, *arguments = command.split()
        assert program == "docgenctl"
        said[arguments[0]] = run(installed, *arguments).stdout

    assert "✔ 5 services healthy" in said["up"]
    assert "main → host, github, outside: blocked" in said["up"]
    assert re.search(r"next +docgenctl generate readme --open", said["up"])
    assert "README.md" in said["tools"]
    assert "\n# Harbour\n" in (repository / "docs" / "generated" / "README.md").read_text()
    assert ": running" in said["describe"]
    assert "orchestrator" in said["topology"]
    assert run(installed, "describe").stdout.splitlines()[0].endswith(": down")
    assert run("git", "status", "--porcelain", "--", "README.md").stdout == ""


def test_uvx_runs_it_without_installing_it(run: Run, wheel: Path, repository: Path) -> None:
    shown = run(
        UV, "tool", "run", "--quiet", "--python", sys.executable, "--from", wheel, "docgenctl", "version"
    )
    assert shown.stdout.startswith("docgenctl ")

"""The built wheel, installed into a fresh environment far from the checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["DOCGENCTL_STATE_DIR"] = str(cwd.parent / "state")
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of a fresh environment with the wheel and exactly the locked requirements."""
    folder = tmp_path_factory.mktemp("installed")
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    run(*PIP, "wheel", *offline, "--wheel-dir", folder, ROOT, cwd=folder)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    install = (*PIP, "--python", folder / "venv" / "bin" / "python", "install")
    locked = ("--require-hashes", "--only-binary", ":all:", "--requirement")
    run(*install, *locked, ROOT / "requirements" / "docgenctl.txt", cwd=folder)
    run(*install, "--no-deps", "--no-index", next(folder.glob("docgenctl-*.whl")), cwd=folder)
    return folder / "venv" / "bin"


def test_the_installed_wheel_carries_templates_and_server_images(installed: Path, tmp_path: Path) -> None:
    script = (
        "import json; from docgenctl.model import locations as l; from docgenctl.images.facts import *;"
        "files = lambda d: sorted(p.relative_to(d).as_posix() for p in d.rglob('*')"
        " if p.is_file() and '__pycache__' not in p.parts);"
        "print(json.dumps([str(l.templates_directory()), files(l.templates_directory()),"
        " files(l.server_images_directory()), list(all_image_facts())]))"
    )
    where, templates, images, names = json.loads(run(installed / "python", "-c", script, cwd=tmp_path))
    assert str(installed.parent) in where
    assert templates == tracked("templates")
    assert images == tracked("server_images")
    assert names == ["adapter", "github", "main", "orchestrator"]


def tracked(folder: str) -> list[str]:
    root = ROOT / folder
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def test_the_installed_command_runs_from_any_directory(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "docgenctl", "version", cwd=tmp_path).strip()


def test_the_installed_tool_renders_a_stack(installed: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    run(installed / "docgenctl", "render", cwd=workspace)
    assert (workspace / "docker-compose.mcp.yml").is_file()


def test_the_installed_environment_is_consistent(installed: Path, tmp_path: Path) -> None:
    run(*PIP, "--python", installed / "python", "check", cwd=tmp_path)

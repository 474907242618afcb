"""An engine that cannot be had, as the command line tells it: exit 4, a code for each kind, a remedy."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl, powerless
from tests.unit.cli.own_mounts import docgenctl_under
from tests.unit.engine.test_discovery import NEW, OLD, answering

#: no engine of this machine in sight
HIDDEN = "mount -t tmpfs none /run"
#: and no sign of Docker having been installed; the shell has all it needs already
BARE = "; ".join(
    [HIDDEN]
    + [f"mount -t tmpfs none {folder}" for folder in ("/usr/local/bin", "/usr/sbin", "/usr/bin")]
    + ["export PATH=/nothing"]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_text("version: 2\nengine: docker\n")
    return tmp_path


def fault(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert ran.returncode == 4, ran.stderr
    error = json.loads(ran.stdout)["error"]
    assert error["hint"]
    assert ran.stderr.startswith(f"Error: {error['message']}")
    return dict(error)


def test_absent(folder: Path) -> None:
    error = fault(docgenctl_under(folder, BARE, "status", "--json", environ={"DOCKER_HOST": ""}))
    assert error["code"] == "absent"
    assert "docker" in error["hint"]


def test_stopped(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").touch(mode=0o755)
    environ = {"DOCKER_HOST": "", "PATH": f"{folder}/bin:/usr/bin:/bin"}
    error = fault(docgenctl_under(folder, HIDDEN, "status", "--json", environ=environ))
    assert error["code"] == "stopped"
    assert "start" in error["hint"]


def test_denied(folder: Path) -> None:
    path = folder / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        error = fault(powerless(folder, "status", "--json", environ={"DOCKER_HOST": f"unix://{path}"}))
    assert error["code"] == "denied"
    assert "usermod -aG docker" in error["hint"]


def test_too_old(folder: Path) -> None:
    path = folder / "engine.sock"
    with answering(path, OLD):
        error = fault(docgenctl(folder, "up", "--json", environ={"DOCKER_HOST": f"unix://{path}"}))
    assert error["code"] == "too_old"
    assert "20.10" in error["message"]


def test_wrong_context(folder: Path) -> None:
    environ = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "nonesuch"}
    error = fault(docgenctl(folder, "status", "--json", environ=environ))
    assert (error["code"], error["hint"]) == ("wrong_context", "unset DOCKER_CONTEXT")


@pytest.mark.timeout(30)
def test_an_engine_that_hangs_is_given_up(folder: Path) -> None:
    path = folder / "engine.sock"
    with answering(path, NEW, silent=True):
        error = fault(docgenctl(folder, "up", "--json", environ={"DOCKER_HOST": f"unix://{path}"}))
    assert error["code"] == "stopped"
    assert "gave no answer" in error["message"]

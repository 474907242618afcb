"""Faults made for real: an engine that says what one wants, small file systems, mounts of one's own."""

import http.server
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docgenctl.actions.doctor.catalogue import chosen_checks
from docgenctl.actions.doctor.run_checks import run_checks
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Outcome
from tests.unit.cli.command import REPOSITORY, environment

VERSION: dict[str, Any] = {
    "Version": "28.5.2",
    "ApiVersion": "1.51",
    "Os": "linux",
    "Arch": "amd64",
    "Components": [{"Name": "Engine", "Version": "28.5.2"}, {"Name": "runc", "Version": "1.3.3"}],
}
INFO: dict[str, Any] = {
    "NCPU": 2,
    "MemTotal": 8 << 30,
    "DockerRootDir": "/var/lib/docker",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
}


@contextmanager
def an_engine(
    *,
    version: Mapping[str, Any] | None = None,
    info: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    status: int = 200,
    hangs: bool = False,
    ahead_s: float = 0,
) -> Iterator[str]:
    """A socket that speaks like an engine; yields what DOCKER_HOST is set to.

    `answers` maps the ends of paths to what is answered; `hangs` accepts and never answers.
    """
    released = threading.Event()
    told = {"/containers/json": [], "/networks": [], "/volumes": {"Volumes": []}, "/images/json": []}
    told |= dict(answers or {})

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hangs:
                released.wait(30)
                return
            path = self.path.partition("?")[0]
            now = datetime.fromtimestamp(time.time() + ahead_s, UTC).isoformat().replace("+00:00", "Z")
            known = {
                "/version": VERSION | dict(version or {}),
                "/info": INFO | {"SystemTime": now} | dict(info or {}),
            } | told
            body = next((answer for end, answer in known.items() if path.endswith(end)), None)
            data = json.dumps(body if status == 200 else {"message": "forbidden"}).encode()
            self.send_response(status if body is not None else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            return None

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with tempfile.TemporaryDirectory(prefix="docgenctl-test-") as folder:
        path = f"{folder}/engine.sock"
        with Server(path, Answer) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield f"unix://{path}"
            finally:
                released.set()
                server.shutdown()


class Patient:
    """A workspace and an environment of its own, in which checks can be run one by one."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir(exist_ok=True)
        for place in (folder, self.workspace):
            place.chmod(0o755)
        self.environ = environment(folder)
        for name in [n for n in self.environ if n.upper().endswith(("_PROXY", "CERT_FILE", "CA_BUNDLE"))]:
            del self.environ[name]
        for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR"):
            self.environ.pop(name, None)
        self.environ |= environ

    def scene(self, **environ: str) -> Scene:
        return Scene(self.workspace, self.environ | environ)

    def look(self, check: str, **environ: str) -> Outcome:
        """The outcome of one check, such as `network/ports`."""
        (finding,) = run_checks(self.scene(**environ), chosen_checks([check]))
        return finding.outcome

    @property
    def state_dir(self) -> Path:
        return self.scene().state_dir()

    def run(
        self, *argv: str, inside: tuple[str, ...] = (), **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """`docgenctl doctor argv…`, in a process of its own; `inside` is a command that wraps it."""
        return subprocess.run(
            [*inside, sys.executable, "-m", "docgenctl", "doctor", *argv],
            cwd=self.workspace,
            env=self.environ | {"PYTHONPATH": str(REPOSITORY)} | environ,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def in_a_mount_namespace(self, script: str, *argv: str, **environ: str) -> Any:
        """The JSON of `doctor argv…` after a shell script changed the mounts, for it alone. Needs root."""
        wrapped = (
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            f'{script}\nexec "$@"',
            "sh",
        )
        done = self.run(*argv, "--json", inside=wrapped, **environ)
        assert done.stdout, done.stderr
        return {f"{c['area']}/{c['name']}": c for c in json.loads(done.stdout)["checks"]}


def can_mount() -> bool:
    """Whether a file system can be mounted here, in a namespace of its own."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0

"""A second dockerd, for tests that stop it: in a network and mount namespace of its own, on files of its own.

The machine's engine, which others use, notices nothing of it. What it publishes on 127.0.0.1 is reached from
inside its namespace only, so commands about it are run there (`prefix`).
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docgenctl.engine.discovery import connect
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.errors import EngineError

_PATIENCE_S = 60


class OwnEngine:
    """An engine that may be stopped, killed and started. Made by `own_engine`."""

    def __init__(self, folder: Path, holder: int) -> None:
        self._folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        self.prefix = ("nsenter", f"--target={holder}", "--net", "--mount", "--")
        self.environ = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}

    def start(self) -> None:
        """Start it and wait until it answers."""
        folder = self._folder
        options = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        with (folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [*self.prefix, "dockerd", *options, f"--host={self.environ['DOCKER_HOST']}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while not self.answers():
            assert self._daemon.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it can be spoken to."""
        try:
            self.connect().close()
        except EngineError:
            return False
        return True

    def connect(self) -> DockerEngine:
        """A connection; its socket is reached from everywhere."""
        return connect(os.environ | self.environ)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it as a service manager does, or as a crash does, and wait until it is gone."""
        if self._daemon is not None:
            pid = int((self._folder / "pid").read_text())
            os.kill(pid, number)
            self._daemon.wait(_PATIENCE_S)
            # Its containerd ends with it, but may stay in the process table where nobody collects the dead,
            # and would then be taken for a living one by the number in this file.
            (self._folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def lose_power(self) -> None:
        """End it and everything that it runs, in one moment, as far as that can be had without a machine."""
        shims = [pid for pid in _processes() if str(self._folder / "exec") in _command_of(pid)]
        children = [pid for pid in _processes() if _parent_of(pid) in shims]
        self.end(signal.SIGKILL)
        for pid in (*children, *shims):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def load(self, references: list[str]) -> None:
        """Copy images from the machine's engine."""
        with subprocess.Popen(["docker", "save", *references], stdout=subprocess.PIPE) as saving:
            subprocess.run(
                ["docker", "load", "--quiet"],
                stdin=saving.stdout,
                env=os.environ | self.environ,
                check=True,
                timeout=300,
                capture_output=True,
            )


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _command_of(pid: int) -> str:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        return command if "containerd-shim" in command else ""
    return ""


def _parent_of(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return 0


@contextmanager
def own_engine(folder: Path) -> Iterator[OwnEngine]:
    """A running engine in `folder`; everything of it is gone afterwards."""
    script = "ip link set lo up && exec sleep infinity"
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script], cwd="/"
    )
    engine = OwnEngine(folder, holder.pid)
    try:
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)
        engine.start()
        yield engine
    finally:
        if engine.answers():
            left = ["docker", "ps", "--all", "--quiet"]
            listed = subprocess.run(left, env=os.environ | engine.environ, capture_output=True, text=True)
            if containers := listed.stdout.split():
                removal = ["docker", "rm", "--force", "--volumes", *containers]
                subprocess.run(removal, env=os.environ | engine.environ, capture_output=True, timeout=120)
            engine.end()
        holder.kill()
        holder.wait()

"""A stack of a benchmark's own: a small workspace, `docgenctl` and Compose as whole processes, one probe."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import open_project
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.engine.discovery import connect
from docgenctl.engine.labels import find_plugin
from docgenctl.model.errors import DocgenError

COMPOSE_FILE = "docker-compose.mcp.yml"
#: Health checks once a second, as somebody would set them for whom `--wait` has to be quick.
QUICK_FILE = "docker-compose.quick.yml"
_POLL_S = 0.02


class BenchStack:
    """A workspace, its state, and the commands on them."""

    def __init__(self, place: Path, plugin: Path) -> None:
        self.directory = place / "workspace"
        self.directory.mkdir(mode=0o755)
        self.project = f"docgenctl-bench-{uuid.uuid4().hex[:6]}"
        (self.directory / "README.md").write_text("# A workspace\n\nTo measure with.\n", encoding="utf-8")
        (self.directory / "docgen.yaml").write_text(f"project: {self.project}\n", encoding="utf-8")
        self._plugin = plugin
        self.environ = {
            **os.environ,
            "DOCGENCTL_STATE_DIR": str(place / "state"),
            "DOCKER_CONFIG": str(plugin.parents[1]),
            "DOCKER_HOST": engine_address(),
        }

    def docgenctl(self, *arguments: str) -> float:
        """Run a command to its end; seconds it took."""
        return self._timed([sys.executable, "-m", "docgenctl", *arguments])

    def compose(self, *arguments: str, file: str = COMPOSE_FILE) -> float:
        """Run Compose to its end; seconds it took."""
        return self._timed([str(self._plugin), "--file", file, *arguments])

    def write_quick_file(self) -> None:
        """The rendered file with nothing changed but the interval of the health checks."""
        text = (self.directory / COMPOSE_FILE).read_text(encoding="utf-8")
        lines = [
            f'{line.partition("interval:")[0]}interval: "1s"' if "  interval:" in line else line
            for line in text.splitlines()
        ]
        (self.directory / QUICK_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def endpoint(self) -> Endpoint:
        """Where clients connect."""
        return find_endpoint(open_project(self.directory, self.environ))

    def _timed(self, command: list[str]) -> float:
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=self.directory, env=self.environ, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return time.perf_counter() - began


class Probe:
    """One authenticated call of a harmless tool of `main` through the gateway, tried until it succeeds."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._began = time.perf_counter()
        self._thread = threading.Thread(target=self._ask)
        self.answered_after_s = 0.0
        self._thread.start()

    def wait(self) -> float:
        """Seconds from the beginning to the first success."""
        self._thread.join()
        return self.answered_after_s

    def _ask(self) -> None:
        while True:
            with contextlib.suppress(DocgenError), McpEndpoint(self._endpoint, timeout_s=5) as client:
                if not client.call_tool("files_list", {}).is_error:
                    self.answered_after_s = time.perf_counter() - self._began
                    return
            time.sleep(_POLL_S)


def engine_address() -> str:
    """The address of the engine that this machine has chosen."""
    engine = connect(os.environ)
    try:
        return engine.info().address
    finally:
        engine.close()


@contextlib.contextmanager
def bench_stack() -> Iterator[BenchStack]:
    """A prepared stack without containers; nothing of it is left afterwards, not even by SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = os.environ.get("DOCGENCTL_CACHE_DIR") or platformdirs.user_cache_dir("docgenctl")
    plugin = find_plugin({"DOCKER_CONFIG": f"{cache}/compose"})
    if plugin is None:
        sys.exit("no Compose plugin to compare with: make compose")
    place = Path(tempfile.mkdtemp(prefix="docgenctl-bench-"))
    place.chmod(0o755)
    try:
        stack = BenchStack(place, plugin)
        try:
            stack.docgenctl("up", "--no-start")
            stack.write_quick_file()
            yield stack
        finally:
            stack.docgenctl("down", "--volumes", "--yes")
    finally:
        shutil.rmtree(place, ignore_errors=True)

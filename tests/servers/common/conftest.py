"""A real server process made of docgen_common alone."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

REPOSITORY = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("server_program.py")


def key_entry(raw: str, key_id: str = "default", **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(raw.encode()).hexdigest()
    return {"id": key_id, "sha256": digest, "scopes": ["*"], "expires": None, **more}


def write_keys(folder: Path, *entries: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "api-keys.json").write_text(json.dumps({"version": 1, "keys": list(entries)}))


class Running:
    """A started server; ``secrets`` is the versioned folder's ``current`` link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volume = folder / "secrets"
        self.secrets = self.volume / "current"
        self.log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def switch_keys(self, version: str, *entries: dict[str, Any]) -> None:
        """Put a new version beside the old one, and rename the link over the old link."""
        write_keys(self.volume / version, *entries)
        (self.volume / "next").symlink_to(version)
        (self.volume / "next").rename(self.secrets)

    def start(self, *, wait: bool = True, **environment: str) -> "Running":
        environ = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "server_images/common/src"),
            "DOCGEN_SERVER": "probe",
            "DOCGEN_PORT": str(self.port),
            "DOCGEN_SECRETS_DIR": str(self.secrets),
            "DOCGEN_CONFIG_DIR": str(self.folder),
            **environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM)], env=environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while wait:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        return self

    def get(self, path: str, key: str | None = None, **headers: str) -> httpx2.Response:
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", headers={**sent, **headers}, trust_env=False)

    def logged(self, **wanted: Any) -> list[dict[str, Any]]:
        """The lines with these fields, the request's own among them: it is written after the answer."""
        deadline = time.monotonic() + 10
        while True:
            found = [line for line in self.lines() if wanted.items() <= line.items()]
            if any(line["event"] == "request" for line in found):
                return found
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def lines(self) -> list[dict[str, Any]]:
        return [
            json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")
        ]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    made: list[Running] = []

    def make() -> Running:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        made.append(Running(folder))
        return made[-1]

    yield make
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait(10)

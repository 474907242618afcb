"""Runs the GitHub emulator that others wrote; `emulator/heads.mjs` says what is changed in it."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.npm_packages import InstallError, installed, node

__all__ = ["InstallError", "emulating", "installed_emulator"]

HERE = Path(__file__).parent / "emulator"


def installed_emulator() -> Path:
    """The folder with Node and the emulator."""
    return installed(HERE, "emulate")


@contextmanager
def emulating(place: Path, port: int) -> Iterator[str]:
    """The base URL of a fresh emulator."""
    process = subprocess.Popen(
        [
            node(place),
            *("--import", str(HERE / "heads.mjs")),
            str(place / "node_modules/emulate/dist/index.js"),
            *("start", "-s", "github", "-p", str(port), "--seed", str(HERE / "seed.yaml")),
        ],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready = threading.Event()
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Ready" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(30)
        assert process.poll() is None, "".join(lines)
        yield f"http://localhost:{port}"
    finally:
        process.kill()
        process.wait(10)
        reader.join(5)

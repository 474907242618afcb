"""Source packages of other people, pinned by hash and fetched by the machine's own package clients.

What is true of each was read in its sources by hand and stands in `packages/<name>.toml`. The archives and
their contents are kept in the cache of docgenctl, so that a second run needs no network.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from tests.engine_fixtures import skip_unless_in_ci

DATA = Path(__file__).parent / "packages"
_TIMEOUT_S = 240


@dataclass(frozen=True)
class Package:
    """A package and what is true of it: `declared` names and `api`, by path of the source file."""

    name: str
    version: str
    registry: str
    sha256: str
    declared: dict[str, Any]
    api: dict[str, dict[str, Any]]

    @property
    def dependencies(self) -> set[str]:
        """Names of all declared dependencies, whatever their group."""
        names = set(self.declared["dependencies"])
        return names.union(*self.declared.get("groups", {}).values())

    @property
    def symbols(self) -> set[tuple[str, str]]:
        """Path and name of every public name; members are called `Owner.member`."""
        found = set()
        for path, module in self.api.items():
            found |= {(path, name) for name in module["names"]}
            for owner, names in module.get("members", {}).items():
                found |= {(path, f"{owner}.{name}") for name in names}
        return found


def package(stem: str) -> Package:
    """What `packages/<stem>.toml` says."""
    data = tomllib.loads((DATA / f"{stem}.toml").read_text())
    root = data.get("root", {}).get("path", "")
    api = {root + path: module for path, module in data["api"].items()}
    return Package(**data["package"], declared=data["declared"], api=api)


def fetch(wanted: Package) -> Path:
    """The unpacked sources of `wanted`; the test is skipped (in CI: fails) where they cannot be had."""
    cache = Path(os.environ.get("DOCGENCTL_CACHE_DIR") or platformdirs.user_cache_dir("docgenctl"))
    kept = cache / "sources" / wanted.sha256
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            archive = _download(wanted, Path(folder))
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            assert digest == wanted.sha256, f"{archive.name} is not what was read: its SHA-256 is {digest}"
            with tarfile.open(archive) as packed:
                packed.extractall(Path(folder) / "unpacked", filter="data")
            try:
                (Path(folder) / "unpacked").rename(kept)
            except OSError:  # another test process was faster
                assert kept.is_dir()
    (inner,) = kept.iterdir()  # both registries pack one folder
    return inner


def _download(wanted: Package, folder: Path) -> Path:
    exact = f"{wanted.name}=={wanted.version}"
    if wanted.registry == "npm":
        client = shutil.which("npm")
        if client is None:
            skip_unless_in_ci(f"npm, which fetches {exact}, is not installed")
        command = [client, "pack", "--ignore-scripts", "--silent", "--pack-destination", str(folder)]
        command.append(f"{wanted.name}@{wanted.version}")
    else:
        # pip asks the package's build backend for its metadata, but only after its hash was right
        (folder / "wanted.txt").write_text(f"{exact} --hash=sha256:{wanted.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--no-build-isolation", "--no-binary", ":all:", "--dest", str(folder)]
        command += ["--requirement", str(folder / "wanted.txt")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, cwd=folder)
    except subprocess.TimeoutExpired:
        skip_unless_in_ci(f"{exact} could not be fetched within {_TIMEOUT_S} s")
    archives = [*folder.glob("*.tgz"), *folder.glob("*.tar.gz")]
    if done.returncode or not archives:
        skip_unless_in_ci(f"{exact} could not be fetched: {done.stderr.strip().splitlines()[-1:]}")
    return archives[0]

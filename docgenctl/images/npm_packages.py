"""Packages of npm: resolved into a package-lock without addresses, and installed from it into a folder.

npm itself does both, the one that comes with the pinned Node, set up as the user's own npm is (`.npmrc`). No
script of a package runs. A lock without `resolved` is read with the addresses that npm is set up for; what
comes from there is held to the lock's `integrity`. The folder lies in the cache under a key of lock and
platform, with a digest of all that is in it, which is looked at again before it goes into an image.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from docgenctl.images.run import Outcome, Sink, run
from docgenctl.model.errors import BuildError, EngineError
from docgenctl.model.server_sources import Package

_COMMAND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_FILE = re.compile(r"[A-Za-z0-9@._/-]{1,400}")
_CPUS = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64", "aarch64": "arm64"}
_QUIET = [
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--ignore-scripts",
    "--no-bin-links",
    "--omit=dev",
]


def lock_npm(packages: Sequence[Package], *, node_home: Path, scratch: Path, on_line: Sink) -> str:
    """A package-lock.json with every package and what it needs. Raises EngineError or BuildError."""
    manifest = {"name": "server", "private": True, "dependencies": {p.name: p.version for p in packages}}
    (scratch / "package.json").write_text(json.dumps(manifest))
    outcome = _npm(node_home, ["install", "--package-lock-only", *_QUIET], scratch, on_line)
    if outcome.code != 0:
        raise _explain(packages, outcome)
    lock = json.loads((scratch / "package-lock.json").read_text(encoding="utf-8"))
    for path, entry in lock["packages"].items():
        entry.pop("resolved", None)
        if path and not entry.get("link") and "integrity" not in entry:
            raise BuildError(
                f"npm gives no integrity for {path.removeprefix('node_modules/')}",
                hint="only packages of a registry can be locked",
                code="package_unavailable",
            )
    return json.dumps(lock, indent=2) + "\n"


def latest_on_npm(name: str, *, node_home: Path, scratch: Path, on_line: Sink) -> Package:
    """The newest version of a package. Raises EngineError or BuildError."""
    outcome = _npm(node_home, ["view", name, "version", "--json"], scratch, on_line)
    version = _text_of(outcome.lines) if outcome.code == 0 else None
    if version is None:
        raise _explain((Package("npm", name, ""),), outcome)
    return Package("npm", name, version)


def commands_of(lock: str) -> Mapping[str, str]:
    """Command → path of its file below `node_modules`, of the packages that the lock was asked for."""
    packages: dict[str, Any] = json.loads(lock)["packages"]
    found: dict[str, str] = {}
    for name in packages.get("", {}).get("dependencies", {}):
        entry = packages.get(f"node_modules/{name}", {})
        for command, path in entry.get("bin", {}).items():
            file = f"node_modules/{name}/{str(path).removeprefix('./')}"
            if _COMMAND.fullmatch(command) and _FILE.fullmatch(file) and ".." not in file:
                found[command] = file
    return found


def installed_from(
    lock: str, *, architecture: str, cache_dir: Path, node_home: Callable[[], Path], on_line: Sink
) -> Path:
    """A folder with the `node_modules` of a lock, for an engine's architecture.

    Raises EngineError or BuildError.
    """
    cpu = _CPUS.get(architecture.lower(), architecture)
    key = hashlib.sha256(f"{cpu}\0{lock}".encode()).hexdigest()[:32]
    store = cache_dir / "npm"
    store.mkdir(parents=True, exist_ok=True)
    target = store / key
    with FileLock(store / f"{key}.lock"):
        note = target / "digest"
        if note.is_file() and note.read_text() == _digest_of(target / "node_modules"):
            return target
        shutil.rmtree(target, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{key}-", suffix=".tmp", dir=store))
        try:
            _install(lock, cpu, node_home(), fresh, on_line)
            (fresh / "digest").write_text(_digest_of(fresh / "node_modules"))
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return target


def _install(lock: str, cpu: str, node_home: Path, folder: Path, on_line: Sink) -> None:
    wanted = json.loads(lock)["packages"].get("", {}).get("dependencies", {})
    manifest = {"name": "server", "private": True, "dependencies": wanted}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / "package-lock.json").write_text(lock)
    platform = ["--os=linux", f"--cpu={cpu}", "--libc=glibc"]
    outcome = _npm(node_home, ["ci", *_QUIET, *platform], folder, on_line)
    if outcome.code != 0:
        packages = tuple(Package("npm", name, str(version)) for name, version in wanted.items())
        raise _explain(packages, outcome)
    for link in [path for path in (folder / "node_modules").rglob("*") if path.is_symlink()]:
        link.unlink()  # nothing that is locked needs one, and no context carries one


def _npm(node_home: Path, arguments: list[str], folder: Path, on_line: Sink) -> Outcome:
    npm = node_home / "lib/node_modules/npm/bin/npm-cli.js"
    command = [str(node_home / "bin/node"), str(npm), "--prefix", str(folder), *arguments]
    return run(command, on_line, {"npm_config_cache": str(folder / ".npm"), "NO_COLOR": "1"})


def _digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _text_of(lines: Sequence[str]) -> str | None:
    """The text that npm answered with, below whatever it had to warn of."""
    for line in reversed(lines):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, str):
            return found
    return None


def _explain(packages: Sequence[Package], outcome: Outcome) -> EngineError:
    names = ", ".join(str(package).removesuffix("@") for package in packages)
    text = "\n".join(outcome.lines)
    if "E404" in text or "ETARGET" in text or "EBADPLATFORM" in text:
        return BuildError(
            f"{names} cannot be had from npm's registry",
            hint="see the last lines, and look for another version",
            code="package_unavailable",
            details=outcome.lines[-8:],
        )
    if "EINTEGRITY" in text:
        return BuildError(
            "a registry served other bytes than the lock names",
            hint="find out why before going on; after a deliberate change: docgenctl servers lock",
            code="wheels_failed",
            details=outcome.lines[-8:],
        )
    return EngineError(
        f"npm could not fetch {names}",
        hint="check the network, or point npm at your registry: npm config set registry URL",
        code="wheels_failed",
        details=outcome.lines[-8:],
    )

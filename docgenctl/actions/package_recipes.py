"""What the packages of a server add to its image: their lock, and at a build all that the lock names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docgenctl.configuration.package_locks import read_lock
from docgenctl.images.context import Source, tree
from docgenctl.images.host_tools import node_home, tool_requirements
from docgenctl.images.npm_packages import commands_of, installed_from
from docgenctl.images.wheels import fetch_wheels
from docgenctl.model.blueprint import Server

OnLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PackageFiles:
    """The part of a build context below `packages/`.

    `registry` is `pypi` or `npm`; `files` are enough to tell whether an image is up to date; `commands` maps
    the commands of npm packages to their files; `fetch` gives what a build needs besides.
    """

    registry: str
    lock: str
    files: Mapping[str, Source]
    commands: Mapping[str, str]
    fetch: Callable[[OnLine], Mapping[str, Source]]


def package_files(
    server: Server, directory: Path, *, python: str, architecture: str, cache_dir: Path
) -> PackageFiles | None:
    """The packages of a server; None when it has none. Raises ConfigurationError (`not_locked`)."""
    if not server.packages:
        return None
    lock = read_lock(directory, server.name, server.packages)
    if server.packages[0].registry == "pypi":
        return _from_pypi(lock, python=python, architecture=architecture, cache_dir=cache_dir)
    return _from_npm(lock, python=python, architecture=architecture, cache_dir=cache_dir)


def _from_pypi(lock: str, *, python: str, architecture: str, cache_dir: Path) -> PackageFiles:
    def fetch(on_line: OnLine) -> Mapping[str, Source]:
        wheels = fetch_wheels(
            lock, python=python, architecture=architecture, cache_dir=cache_dir, on_line=on_line
        )
        return tree(wheels, "packages/wheels")

    files = {"packages/requirements.txt": lock.encode()}
    return PackageFiles(registry="pypi", lock=lock, files=files, commands={}, fetch=fetch)


def _from_npm(lock: str, *, python: str, architecture: str, cache_dir: Path) -> PackageFiles:
    node = tool_requirements("node")

    def fetch(on_line: OnLine) -> Mapping[str, Source]:
        wheels = fetch_wheels(
            node, python=python, architecture=architecture, cache_dir=cache_dir, on_line=on_line
        )
        installed = installed_from(
            lock,
            architecture=architecture,
            cache_dir=cache_dir,
            node_home=lambda: node_home(cache_dir, on_line),
            on_line=on_line,
        )
        modules = tree(installed / "node_modules", "packages/node_modules")
        return {**tree(wheels, "packages/wheels"), **modules}

    files: dict[str, Source] = {
        "packages/package-lock.json": lock.encode(),
        "packages/requirements.txt": node,
    }
    return PackageFiles(registry="npm", lock=lock, files=files, commands=commands_of(lock), fetch=fetch)

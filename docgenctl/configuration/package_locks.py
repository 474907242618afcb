"""The locks of packages, beside docgen.yaml in `docgen.lock.d/`, to be committed with it.

One file for each server that runs packages: `<server>.txt`, a hashed requirements file whose first lines say
what was locked, or `<server>.package-lock.json`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from docgenctl.configuration.project_identity import LOCKS_FOLDER
from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.files.replace_file import remove_file, replace_file, taking_turns
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.server_sources import Package

_MAX_BYTES = 8 * 1024 * 1024
_REGISTRIES = ("pypi", "npm")


def lock_name(server: str, registry: str) -> str:
    """The name of a server's lock, relative to the project's directory."""
    return f"{LOCKS_FOLDER}/{server}.{'txt' if registry == 'pypi' else 'package-lock.json'}"


def read_lock(directory: Path, server: str, packages: Sequence[Package]) -> str:
    """The lock of exactly these packages.

    Raises ConfigurationError (`not_locked`) when there is none, or it locks something else.
    """
    name = lock_name(server, packages[0].registry)
    data = read_bounded(directory / name, _MAX_BYTES)
    wanted = sorted(map(str, packages))
    if data is None:
        raise _not_locked(f"servers/{server}: {name} is missing", server)
    text = data.decode("utf-8", "replace")
    if locked_packages(text, packages[0].registry) != wanted:
        raise _not_locked(f"servers/{server}: {name} does not lock {', '.join(wanted)}", server)
    return text


def locks_of(directory: Path, server: str) -> dict[str, bytes]:
    """Every lock that a server has, by its name, whatever is in it."""
    found = {}
    for name in (lock_name(server, registry) for registry in _REGISTRIES):
        data = read_bounded(directory / name, _MAX_BYTES)
        if data is not None:
            found[name] = data
    return found


def locked_packages(text: str, registry: str) -> list[str]:
    """What a lock says it was made for, sorted; empty when it says nothing that can be read."""
    if registry == "pypi":
        return sorted(line[2:].strip() for line in text.splitlines() if line.startswith("# pypi:"))
    try:
        root = json.loads(text)["packages"][""]["dependencies"]
        return sorted(f"npm:{name}@{version}" for name, version in root.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def write_lock(directory: Path, server: str, registry: str, text: str) -> Path:
    """Write a lock in one step; its place. Raises RefusedError when it cannot be written."""
    path = directory / lock_name(server, registry)
    try:
        if current_rehearsal() is None:
            path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise RefusedError(
            f"{path.parent} cannot be made ({error.strerror})",
            hint=f"ls -ld {directory}",
            code="not_writable",
        ) from None
    with taking_turns(path):
        replace_file(path, read_bounded(path, _MAX_BYTES), text.encode())
    return path


def remove_locks(directory: Path, server: str) -> None:
    """Remove the locks of a server, and the folder when it is empty then."""
    for registry in _REGISTRIES:
        remove_file(directory / lock_name(server, registry))
    folder = directory / LOCKS_FOLDER
    if current_rehearsal() is None and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _not_locked(message: str, server: str) -> ConfigurationError:
    return ConfigurationError(message, hint=f"docgenctl servers lock {server}", code="not_locked")

"""Where things lie below a home directory, and how its small files are read and replaced."""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docgenctl.files.private_files import make_private_directory
from docgenctl.model.errors import EngineError


@dataclass(frozen=True)
class Home:
    """The directory of one state directory's processes; mode 0700, as is all in it."""

    path: Path

    @property
    def containers(self) -> Path:
        """What containers were made from (`<id>.json`) and how they are (`<id>.state`)."""
        return self.path / "containers"

    @property
    def logs(self) -> Path:
        """`<id>.log`, then `<id>.log.1` and so on, older and older."""
        return self.path / "logs"

    @property
    def networks(self) -> Path:
        """One file a network: a note of who may know of whom."""
        return self.path / "networks"

    @property
    def volumes(self) -> Path:
        """A note and a directory for each volume."""
        return self.path / "volumes"

    @property
    def sockets(self) -> Path:
        """Where services listen; it is their working directory, so that the paths are short."""
        return self.path / "sockets"

    @property
    def scratch(self) -> Path:
        """A directory for each container in the place of its `/tmp`."""
        return self.path / "tmp"

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.path / "control.sock"

    def make(self) -> None:
        """Make what is missing. Raises RefusedError for a directory that is not ours alone."""
        folders = (self.containers, self.logs, self.networks, self.volumes, self.sockets, self.scratch)
        for folder in (self.path, *folders):
            make_private_directory(folder)

    def remove_if_bare(self) -> None:
        """Remove the directory when nothing of any stack is in it: no container, network or volume."""
        if any(_names(folder) for folder in (self.containers, self.networks, self.volumes)):
            return
        for folder in (self.containers, self.logs, self.networks, self.volumes, self.sockets, self.scratch):
            # Also what a killed command had begun, such as the scratch of a container that was never noted.
            if folder.is_dir():
                shutil.rmtree(folder)
        for name in _names(self.path):
            (self.path / name).unlink(missing_ok=True)
        if self.path.is_dir():
            self.path.rmdir()


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names only
    except FileNotFoundError:
        return []


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None when there is none. Raises EngineError when it is damaged."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}", hint=f"rm {path}") from error
    return document if isinstance(document, dict) else None


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace a file in one step, 0600. Raises EngineError, for a full disk for example."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EngineError(
            f"{path} cannot be written: {error.strerror}", hint="make room there, then try again"
        ) from error


def documents(folder: Path, ending: str = ".json") -> Iterator[dict[str, Any]]:
    """All objects in a folder's files of that ending, in the order of their names."""
    for name in sorted(_names(folder)):
        if name.endswith(ending) and not name.startswith("."):
            document = read_json(folder / name)
            if document is not None:
                yield document


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name of a socket that fits into the kernel's 107 bytes, however long the path is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def timestamp() -> str:
    """Now, RFC 3339 in UTC with nanoseconds: times of one process never repeat."""
    now = time.time_ns()
    seconds = datetime.fromtimestamp(now // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{seconds}.{now % 1_000_000_000:09d}Z"


def nanoseconds(text: str) -> int:
    """RFC 3339 as nanoseconds since 1970."""
    whole, dot, rest = text.partition(".")
    if not dot:
        return round(datetime.fromisoformat(text).timestamp()) * 1_000_000_000
    digits = rest.rstrip("Z").partition("+")[0].partition("-")[0]
    zone = rest[len(digits) :] or "Z"
    seconds = round(datetime.fromisoformat(whole + zone).timestamp())
    return seconds * 1_000_000_000 + int(digits[:9].ljust(9, "0"))

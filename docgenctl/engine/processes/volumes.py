"""Volumes as directories: filled beside, switched by a rename, so that readers never find them half done."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from docgenctl.engine.labels import COMPOSE_PROJECT, volume_labels
from docgenctl.engine.processes.places import Home, documents, write_json
from docgenctl.engine.processes.records import Made
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import ObservedVolume
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Stack, Volume, VolumeContent

_CURRENT = "current"


def create_volume(home: Home, volume: Volume, stack: Stack) -> None:
    """Make it, empty; what is there stays."""
    (home.volumes / volume.name).mkdir(mode=0o700, exist_ok=True)
    note = {"name": volume.name, "labels": volume_labels(volume, stack)}
    write_json(home.volumes / f"{volume.name}.json", note)


def observe_volumes(home: Home, project: str) -> tuple[ObservedVolume, ...]:
    """The project's volumes."""
    return tuple(
        ObservedVolume(name=note["name"], labels=note["labels"])
        for note in documents(home.volumes)
        if note["labels"].get(COMPOSE_PROJECT) == project
    )


def remove_volume(home: Home, name: str) -> None:
    """Remove it. Raises EngineError while a container uses it."""
    for document in documents(home.containers):
        if name in Made.of(document).volumes:
            raise EngineError(
                f"cannot remove volume {name}: it is in use by container {document['name']}",
                hint="docgenctl down",
            )
    shutil.rmtree(home.volumes / name, ignore_errors=True)
    (home.volumes / f"{name}.json").unlink(missing_ok=True)


def fill_volume(home: Home, content: VolumeContent, volume: Volume) -> None:
    """Put a version of files in and point `current` at it; other versions go. Raises EngineError."""
    root = home.volumes / volume.name
    with _room_for(home, volume):
        root.mkdir(mode=0o700, exist_ok=True)
        if not content.files:
            return
        version = _bring(root, content)
        link = root / f".{_CURRENT}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(content.version)
        link.rename(root / _CURRENT)
        for other in root.iterdir():
            if other.is_dir() and not other.is_symlink() and other != version:
                shutil.rmtree(other, ignore_errors=True)


def stage_volume(home: Home, content: VolumeContent, volume: Volume) -> str:
    """Put a version of files beside the current one; its directory's name. Raises EngineError."""
    with _room_for(home, volume):
        return _bring(home.volumes / volume.name, content).name


@contextmanager
def _room_for(home: Home, volume: Volume) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"cannot fill volume {volume.name}: {error.strerror}", hint=f"make room: df -h {home.volumes}"
        ) from error


def _bring(root: Path, content: VolumeContent) -> Path:
    """The version's directory, whole."""
    version = root / content.version
    if not version.is_dir():
        fresh = root / f".{content.version}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _write(fresh, content.files)
        fresh.rename(version)
    return version


def _write(folder: Path, files: Mapping[str, bytes | Secret]) -> None:
    folder.mkdir(mode=0o700)
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = value.reveal_bytes() if isinstance(value, Secret) else value
        mode = 0o400 if isinstance(value, Secret) else 0o444
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

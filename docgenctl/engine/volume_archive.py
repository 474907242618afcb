"""The tar that fills a volume: owner and modes in its headers, `current` as its last entry; pure.

It names the volume's root directory as an entry of its parent, because the engine skips an entry `./`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docgenctl.model.errors import EngineError
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Volume, VolumeContent, VolumePurpose

#: Where helper containers mount the volumes that they lend to the archive call, each under its number.
MOUNTS = "/docgen-volumes"


@dataclass(frozen=True, slots=True)
class Owner:
    """Numeric owner of a volume."""

    uid: int
    gid: int

    @classmethod
    def parse(cls, text: str) -> Owner:
        """From `uid:gid`. Raises EngineError."""
        uid, _, gid = text.partition(":")
        if not (uid.isdigit() and gid.isdigit()):
            raise EngineError(f"{text!r} is not an owner: uid:gid in digits is")
        return cls(int(uid), int(gid))


def version_directory(version: str) -> str:
    """Name of a version's directory."""
    return f"v-{version[:16]}"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes into one volume, which a helper has at `mount`; with `link` it ends with `current`."""

    content: VolumeContent
    volume: Volume
    mount: str
    link: bool


def pack(parcels: Iterable[Parcel]) -> bytes:
    """The tar that sets each root's owner and brings its files, `current` as the last of each volume."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for parcel in parcels:
            _pack_volume(tar, parcel)
    return buffer.getvalue()


def _pack_volume(tar: tarfile.TarFile, parcel: Parcel) -> None:
    content, place = parcel.content, parcel.mount.lstrip("/")
    owner = Owner.parse(parcel.volume.owner)
    mode = _directory_mode(parcel.volume.purpose)
    tar.addfile(_entry(place, owner, mode, tarfile.DIRTYPE))
    if content.files:
        _pack_version(tar, content, f"{place}/{version_directory(content.version)}", owner, mode)
    if parcel.link:
        current = _entry(f"{place}/current", owner, 0o777, tarfile.SYMTYPE)
        current.linkname = version_directory(content.version)
        tar.addfile(current)


def _pack_version(tar: tarfile.TarFile, content: VolumeContent, root: str, owner: Owner, mode: int) -> None:
    tar.addfile(_entry(root, owner, mode, tarfile.DIRTYPE))
    made: set[str] = set()
    for path, value in sorted(content.files.items()):
        for parent in _parents(path):
            if parent not in made:
                made.add(parent)
                tar.addfile(_entry(f"{root}/{parent}", owner, mode, tarfile.DIRTYPE))
        secret = isinstance(value, Secret)
        data = value.reveal_bytes() if isinstance(value, Secret) else value
        entry = _entry(f"{root}/{path}", owner, 0o400 if secret else 0o444, tarfile.REGTYPE)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise EngineError(f"{path!r} cannot be a file of a volume: it leaves its version's directory")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _entry(name: str, owner: Owner, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = kind, mode, owner.uid, owner.gid
    return entry


def _directory_mode(purpose: VolumePurpose) -> int:
    if purpose is VolumePurpose.SECRETS:
        return 0o500
    return 0o555 if purpose is VolumePurpose.CONFIG else 0o700

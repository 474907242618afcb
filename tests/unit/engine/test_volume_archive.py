"""The archives that fill volumes."""

import io
import tarfile

import pytest

from docgenctl.engine.volume_archive import Parcel, pack
from docgenctl.model.errors import EngineError
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Volume, VolumeContent, VolumePurpose


def _packed(purpose: VolumePurpose, files: dict[str, bytes | Secret], *, link: bool) -> list[tarfile.TarInfo]:
    volume = Volume(key="v", name="app_v", purpose=purpose, owner="7:8")
    content = VolumeContent(volume="v", version="a" * 64, files=files)
    with tarfile.open(fileobj=io.BytesIO(pack([Parcel(content, volume, "/docgen-volumes/0", link)]))) as tar:
        return tar.getmembers()


def test_current_comes_last_so_that_a_torn_archive_has_none() -> None:
    entries = _packed(VolumePurpose.CONFIG, {"a/b/c": b"1", "a/d": b"2"}, link=True)
    names = [entry.name.removeprefix("docgen-volumes/0") for entry in entries]
    version = f"/v-{'a' * 16}"
    assert names == [
        "",
        version,
        f"{version}/a",
        f"{version}/a/b",
        f"{version}/a/b/c",
        f"{version}/a/d",
        "/current",
    ]
    assert entries[-1].linkname == f"v-{'a' * 16}"


def test_a_volume_with_a_current_is_given_no_other_by_archive() -> None:
    entries = _packed(VolumePurpose.CONFIG, {"a": b"1"}, link=False)
    assert not any(entry.issym() for entry in entries)


def test_secrets_are_for_their_owner_alone() -> None:
    entries = _packed(VolumePurpose.SECRETS, {"key": Secret("x"), "open": b"y"}, link=True)
    modes = {entry.name.rpartition("/")[2]: entry.mode for entry in entries}
    assert (modes["key"], modes["open"], modes["0"]) == (0o400, 0o444, 0o500)
    assert {(entry.uid, entry.gid) for entry in entries} == {(7, 8)}


def test_data_gets_an_owner_and_nothing_else() -> None:
    (root,) = _packed(VolumePurpose.DATA, {}, link=False)
    assert (root.mode, root.uid, root.gid) == (0o700, 7, 8)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../x", "a//b", "./a", ""])
def test_a_file_cannot_leave_its_version(path: str) -> None:
    with pytest.raises(EngineError, match="leaves its version"):
        _packed(VolumePurpose.CONFIG, {path: b""}, link=True)


def test_an_owner_is_two_numbers() -> None:
    volume = Volume(key="v", name="v", purpose=VolumePurpose.DATA, owner="root:root")
    with pytest.raises(EngineError, match="uid:gid"):
        pack([Parcel(VolumeContent(volume="v", version="", files={}), volume, "/v", link=False)])

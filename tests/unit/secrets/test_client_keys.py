"""The file of clients' keys: hashes alone, private, and never half of anything."""

import json
from pathlib import Path

import pytest

from docgenctl.model.client_key import ClientKey
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.secrets.client_keys import ClientKeyFile


@pytest.fixture
def file(tmp_path: Path) -> ClientKeyFile:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    return ClientKeyFile(directory)


def key(name: str = "ci", **more: object) -> ClientKey:
    return ClientKey(name=name, sha256="0" * 64, created="2026-11-30T12:00:00Z", **more)  # type: ignore[arg-type]


def test_what_was_added_is_read_again_in_the_order_of_names(file: ClientKeyFile) -> None:
    full = key(
        "b", scopes=("main:read",), rate="10/s", tool_rates=(("x*", "1/m"),), expires="2027-01-01T00:00:00Z"
    )
    file.add(full)
    file.add(key("a"))
    assert file.read() == (key("a"), full)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_nothing_was_made_yet(file: ClientKeyFile) -> None:
    assert file.read() == ()
    assert not file.path.exists()


def test_a_name_is_taken_until_its_key_is_revoked(file: ClientKeyFile) -> None:
    file.add(key())
    with pytest.raises(RefusedError) as error:
        file.add(key())
    assert error.value.code == "key_exists"
    file.revoke("ci", "2026-12-01T00:00:00Z")
    file.add(key(rate="1/s"))
    assert file.read() == (key(rate="1/s"),)


def test_a_revoked_keys_hash_is_gone_from_the_disk(file: ClientKeyFile) -> None:
    file.add(key())
    file.revoke("ci", "2026-12-01T00:00:00Z")
    (revoked,) = file.read()
    assert (revoked.sha256, revoked.revoked) == ("", "2026-12-01T00:00:00Z")
    assert b"0" * 64 not in file.path.read_bytes()
    file.revoke("ci", "2027-01-01T00:00:00Z")
    assert file.read() == (revoked,)


def test_there_is_an_end_to_how_many_keys_there_can_be(file: ClientKeyFile) -> None:
    many = [{**_entry(), "name": f"k{number}"} for number in range(1000)]
    _write(file, json.dumps({"version": 1, "keys": many}).encode())
    with pytest.raises(RefusedError, match="1000 keys already"):
        file.add(key())


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"{",
            b"[]",
            b'{"version": 1}',
            b'{"version": 1, "keys": [{}]}',
            b'{"version": 1, "keys": [1]}',
        ),
        b'{"version": 1, "keys": [{"name": "a", "scopes": ["*"], "tool_rates": {}, "odd": 1}]}',
    ],
)
def test_damage_is_told_with_a_way_out_and_the_file_is_left(file: ClientKeyFile, content: bytes) -> None:
    _write(file, content)
    with pytest.raises(ConfigurationError) as error:
        file.read()
    assert error.value.code == "state_damaged"
    assert f"mv {file.path}" in error.value.hint
    assert file.path.read_bytes() == content


def test_a_newer_file_is_not_touched(file: ClientKeyFile) -> None:
    _write(file, b'{"version": 2, "keys": [], "more": 1}')
    with pytest.raises(ConfigurationError) as error:
        file.add(key())
    assert error.value.code == "state_newer"


def _entry() -> dict[str, object]:
    return {"name": "a", "sha256": "0" * 64, "created": "", "scopes": ["*"], "tool_rates": {}}


def _write(file: ClientKeyFile, content: bytes) -> None:
    file.path.write_bytes(content)
    file.path.chmod(0o600)

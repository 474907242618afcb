"""State sealed by one server is opened by all that have the same keys, and by nobody else."""

from pathlib import Path

import pytest
from docgen_common.keys import KeyRing
from docgen_common.request_state import KeyRingCodec
from mcp.server.request_state import InvalidRequestState

from tests.servers.common.conftest import key_entry, write_keys

OLD, NEW, OTHER = ("dgk_" + letter * 43 for letter in "onx")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 2  # each look is due
        return self.now


def codec(folder: Path) -> KeyRingCodec:
    return KeyRingCodec(KeyRing(folder, clock=Clock()))


def test_what_was_sealed_before_a_rotation_opens_until_the_old_key_is_gone(tmp_path: Path) -> None:
    write_keys(tmp_path, key_entry(OLD))
    one, two = codec(tmp_path), codec(tmp_path)
    sealed = one.seal(b"state")
    assert two.unseal(sealed) == b"state"
    write_keys(tmp_path, key_entry(NEW, "new"), key_entry(OLD))
    assert two.unseal(sealed) == b"state"
    assert one.unseal(two.seal(b"newer")) == b"newer"
    write_keys(tmp_path, key_entry(NEW, "new"))
    with pytest.raises(InvalidRequestState):
        two.unseal(sealed)


def test_other_keys_open_nothing_and_the_state_cannot_be_read(tmp_path: Path) -> None:
    write_keys(tmp_path / "own", key_entry(OLD))
    write_keys(tmp_path / "other", key_entry(OTHER))
    sealed = codec(tmp_path / "own").seal(b"what the client shall not see")
    assert "shall" not in sealed
    with pytest.raises(InvalidRequestState):
        codec(tmp_path / "other").unseal(sealed)

"""The keys in force: what the file may say, and when a key ends."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docgen_common.errors import SettingsError
from docgen_common.keys import KeyRing, parse_keys
from docgen_common.rates import Rate

from .conftest import key_entry, write_keys

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Time:
    """A monotonic clock and a time of day that are set by hand."""

    def __init__(self) -> None:
        self.monotonic = 100.0
        self.day = NOON

    def ring(self, folder: Path) -> KeyRing:
        return KeyRing(folder, clock=lambda: self.monotonic, now=lambda: self.day)


def _document(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"version": 1, "keys": list(entries)}).encode()


def test_a_file_of_before_scopes_and_rates_is_read_as_ever() -> None:
    (key,) = parse_keys(_document({"id": "default", "sha256": hashlib.sha256(b"dgk_old").hexdigest()}))
    assert key.grants.unrestricted
    assert (key.rate, key.tool_rates, key.expires) == (None, (), None)


def test_scopes_and_rates_are_read() -> None:
    entry = key_entry("dgk_a", scopes=["main:read"], rate="10/s", tool_rates={"docs_*": "2/m"})
    (key,) = parse_keys(_document(entry))
    assert key.grants.allows_server("main")
    assert not key.grants.unrestricted
    assert key.rate == Rate(10, 1, 10)
    ((pattern, rate),) = key.tool_rates
    assert pattern.fullmatch("docs_list")
    assert not pattern.fullmatch("x_docs_list")
    assert rate == Rate(2, 60, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["main:write"]},
        {"scopes": "main"},
        {"rate": "fast"},
        {"rate": 10},
        {"tool_rates": ["x"]},
        {"tool_rates": {"a b": "1/s"}},
        {"tool_rates": {"docs_*": "often"}},
        {"tool_rates": {"docs_*": None}},
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_no_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"keys\[1\]") as error:
        parse_keys(_document(key_entry("dgk_a"), key_entry("dgk_b", **wrong)))
    assert "dgk_" not in str(error.value)
    assert hashlib.sha256(b"dgk_b").hexdigest() not in str(error.value)


@pytest.mark.parametrize("clock_off", [timedelta(0), timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_key_ends_at_its_expiry_by_the_time_of_day(tmp_path: Path, clock_off: timedelta) -> None:
    """A machine whose clock is five minutes off errs by just these: neither more nor for ever."""
    write_keys(tmp_path, key_entry("dgk_a", expires=NOON.isoformat()))
    time = Time()
    ring = time.ring(tmp_path)
    time.day = NOON + clock_off
    assert (ring.find("dgk_a") is not None) is (clock_off < timedelta(0))
    time.day = NOON - timedelta(microseconds=1)
    assert ring.find("dgk_a") is not None
    time.day = NOON
    assert ring.find("dgk_a") is None


def test_an_expiry_in_another_time_zone_is_the_same_instant(tmp_path: Path) -> None:
    write_keys(tmp_path, key_entry("dgk_a", expires="2026-11-30T14:00:00+02:00"))
    time = Time()
    ring = time.ring(tmp_path)
    time.day = NOON - timedelta(seconds=1)
    assert ring.find("dgk_a") is not None
    time.day = NOON
    assert ring.find("dgk_a") is None


def test_an_expired_key_that_is_used_is_logged_without_its_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_keys(tmp_path, key_entry("dgk_a", "alice", expires=NOON.isoformat()))
    assert Time().ring(tmp_path).find("dgk_a") is None
    (record,) = caplog.records
    assert record.__dict__["refused_key_id"] == "alice"
    assert "dgk_a" not in str(record.__dict__)


def test_each_key_is_found_by_its_value_alone(tmp_path: Path) -> None:
    write_keys(tmp_path, *(key_entry(f"dgk_{number}", f"k{number}") for number in range(500)))
    ring = KeyRing(tmp_path)
    for number in range(500):
        found = ring.find(f"dgk_{number}")
        assert found is not None
        assert found.id == f"k{number}"
    for other in ("", "dgk_", "dgk_500", "dgk_1 ", "DGK_1", hashlib.sha256(b"dgk_1").hexdigest(), "\udcff"):
        assert ring.find(other) is None, other


def test_other_keys_are_taken_over_after_less_than_half_a_second(tmp_path: Path) -> None:
    write_keys(tmp_path, key_entry("dgk_a"))
    time = Time()
    ring = time.ring(tmp_path)
    write_keys(tmp_path, key_entry("dgk_b", "second"))
    assert ring.find("dgk_a") is not None
    time.monotonic += 0.45
    assert ring.find("dgk_a") is None
    assert ring.find("dgk_b") is not None

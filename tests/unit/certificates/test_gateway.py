"""The gateway's certificate: reused, renewed in time, and replaced when what it must hold changes."""

import resource
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docgenctl.certificates.gateway import GatewayCertificate, ensure_gateway_certificate
from docgenctl.model.errors import ConfigurationError, RefusedError

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def ensure(
    state_dir: Path,
    now: datetime,
    hostnames: tuple[str, ...] = ("localhost",),
    environment: Any = "development",
) -> GatewayCertificate:
    return ensure_gateway_certificate(state_dir, hostnames, environment, now, project="shop-1a2b3c")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "mcp.example.com", "192.0.2.7"])
def test_it_is_valid_for_this_machine_and_the_configured_names(
    handshake: Callable[..., None], state_dir: Path, now: datetime, name: str
) -> None:
    certificate = ensure(state_dir, now, ("mcp.example.com", "192.0.2.7"))
    handshake(certificate.pem, certificate.root_pem, name)


def test_the_root_lies_where_it_says(state_dir: Path, now: datetime) -> None:
    certificate = ensure(state_dir, now)
    assert certificate.root_path == state_dir / "ca" / "root.pem"
    assert certificate.root_path.read_bytes() == certificate.root_pem


def test_it_is_reused_byte_for_byte(state_dir: Path, now: datetime) -> None:
    first = ensure(state_dir, now)
    again = ensure(state_dir, now + 19 * DAY)
    assert again.pem == first.pem
    assert again.not_after == first.not_after == now + 30 * DAY


@pytest.mark.parametrize(
    ("environment", "life", "reused", "renewed"),
    [("development", 30 * DAY, 19 * DAY, 20 * DAY), ("production", 24 * HOUR, 15 * HOUR, 16 * HOUR)],
)
def test_it_is_renewed_by_two_thirds_of_its_life(
    state_dir: Path, now: datetime, environment: str, life: timedelta, reused: timedelta, renewed: timedelta
) -> None:
    first = ensure(state_dir, now, environment=environment)
    assert first.not_after == now + life
    assert ensure(state_dir, now + reused, environment=environment).pem == first.pem
    assert ensure(state_dir, now + renewed, environment=environment).not_after == now + renewed + life


def test_other_host_names_give_another_certificate(state_dir: Path, now: datetime) -> None:
    first = ensure(state_dir, now)
    other = ensure(state_dir, now, ("mcp.example.com",))
    assert other.pem != first.pem
    assert ensure(state_dir, now, ("MCP.example.com", "localhost", "::1")).pem == other.pem


def test_production_does_not_keep_a_certificate_of_development(state_dir: Path, now: datetime) -> None:
    ensure(state_dir, now)
    assert ensure(state_dir, now, environment="production").not_after == now + 24 * HOUR


def test_development_may_use_up_one_of_production(state_dir: Path, now: datetime) -> None:
    short = ensure(state_dir, now, environment="production")
    assert ensure(state_dir, now).pem == short.pem


def test_a_new_authority_means_a_new_certificate(state_dir: Path, now: datetime, tmp_path: Path) -> None:
    first = ensure(state_dir, now)
    (state_dir / "ca").rename(tmp_path / "old-ca")
    other = ensure(state_dir, now)
    assert other.root_pem != first.root_pem
    assert other.pem != first.pem


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_damaged_certificate_is_replaced(
    state_dir: Path, now: datetime, damage: bytes, handshake: Callable[..., None]
) -> None:
    ensure(state_dir, now)
    (state_dir / "gateway.pem").write_bytes(damage)
    again = ensure(state_dir, now)
    handshake(again.pem, again.root_pem, "localhost")


def test_a_certificate_with_the_key_of_another_is_replaced(state_dir: Path, now: datetime) -> None:
    path = state_dir / "gateway.pem"
    ensure(state_dir, now)
    first = path.read_bytes()
    ensure(state_dir, now, ("mcp.example.com",))
    certificate, _, _ = first.partition(b"-----BEGIN PRIVATE")
    _, mark, key = path.read_bytes().partition(b"-----BEGIN PRIVATE")
    path.write_bytes(certificate + mark + key)
    assert ensure(state_dir, now).pem.reveal_bytes() not in (first, certificate + mark + key)


def test_its_file_is_0600(state_dir: Path, now: datetime) -> None:
    ensure(state_dir, now)
    assert (state_dir / "gateway.pem").lstat().st_mode & 0o7777 == 0o600


def test_a_link_in_its_place_is_refused(state_dir: Path, now: datetime) -> None:
    (state_dir / "gateway.pem").symlink_to(state_dir / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        ensure(state_dir, now)
    assert not (state_dir / "elsewhere").exists()


def test_a_full_disk_leaves_the_old_certificate(state_dir: Path, now: datetime) -> None:
    ensure(state_dir, now)
    before = (state_dir / "gateway.pem").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(RefusedError) as error:
            ensure(state_dir, now + 25 * DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.code == "state_unwritable"
    assert (state_dir / "gateway.pem").read_bytes() == before
    assert sorted(path.name for path in state_dir.iterdir()) == [
        "ca",
        "gateway-verdict.json",
        "gateway.pem",
    ]


def test_a_wrong_host_name_is_told_before_anything_is_written(state_dir: Path, now: datetime) -> None:
    with pytest.raises(ConfigurationError, match=r"0\.0\.0\.0"):
        ensure(state_dir, now, ("0.0.0.0",))
    assert list(state_dir.iterdir()) == []


def test_the_key_shows_in_no_repr(state_dir: Path, now: datetime) -> None:
    assert "PRIVATE" not in repr(ensure(state_dir, now))

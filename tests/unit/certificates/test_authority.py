"""The project's own authority: made once, whole or not at all, and never silently replaced."""

import os
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from docgenctl.certificates.authority import Authority, ensure_authority
from docgenctl.model.errors import RefusedError

PROJECT = "shop-1a2b3c"


def test_the_root_may_sign_leaves_and_nothing_else(authority: Authority) -> None:
    extensions = authority.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert usage.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert isinstance(authority.key.curve, ec.SECP256R1)


def test_the_root_carries_the_projects_name_and_lasts_ten_years(authority: Authority, now: datetime) -> None:
    assert authority.certificate.subject.rfc4514_string() == "CN=docgenctl shop-1a2b3c"
    assert authority.certificate.not_valid_after_utc - now >= timedelta(days=3652)


def test_a_very_long_project_name_is_cut_to_what_a_certificate_holds(state_dir: Path, now: datetime) -> None:
    authority = ensure_authority(state_dir, "x" * 100, now)
    assert authority.certificate.subject.rfc4514_string() == "CN=docgenctl " + "x" * 54


def test_it_is_made_once(authority: Authority, state_dir: Path, now: datetime) -> None:
    again = ensure_authority(state_dir, "another-name", now + timedelta(days=100))
    assert again.certificate == authority.certificate
    assert again.root_path.read_bytes() == authority.root_pem


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_key_and_root_are_0600_in_a_0700_directory_under_any_umask(
    state_dir: Path, now: datetime, mask: int
) -> None:
    before = os.umask(mask)
    try:
        ensure_authority(state_dir, PROJECT, now)
    finally:
        os.umask(before)
    modes = {path.name: path.lstat().st_mode & 0o7777 for path in (state_dir / "ca").iterdir()}
    assert modes == {"root.key": 0o600, "root.pem": 0o600}
    assert (state_dir / "ca").lstat().st_mode & 0o7777 == 0o700


def test_two_starts_at_once_end_with_one_authority(state_dir: Path) -> None:
    script = """
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from docgenctl.certificates.authority import ensure_authority
        sys.stdin.readline()
        authority = ensure_authority(Path(sys.argv[1]), "shop-1a2b3c", datetime.now(UTC))
        print(authority.certificate.serial_number)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    serials = {process.communicate()[0] for process in processes}
    assert len(serials) == 1
    assert [path.name for path in state_dir.iterdir()] == ["ca"]


def test_a_crash_while_it_is_made_leaves_nothing_that_hinders_the_next_try(
    state_dir: Path, now: datetime
) -> None:
    """The process dies between the two files: only an unused directory under another name remains."""
    script = """
        import os, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from docgenctl.certificates import authority
        from docgenctl.files import private_files
        write = private_files.write_private
        def die_at_the_certificate(path, content):
            if path.name == "root.pem":
                os._exit(9)
            write(path, content)
        private_files.write_private = die_at_the_certificate
        authority.ensure_authority(Path(sys.argv[1]), "shop-1a2b3c", datetime.now(UTC))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(state_dir)], check=False)
    assert ended.returncode == 9
    assert not (state_dir / "ca").exists()
    ensure_authority(state_dir, PROJECT, now)


@pytest.mark.parametrize("name", ["root.key", "root.pem"])
@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_damage_is_told_with_a_way_out_and_repaired_by_nobody(
    authority: Authority, state_dir: Path, now: datetime, name: str, content: bytes | None
) -> None:
    path = state_dir / "ca" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(RefusedError, match="damaged") as error:
        ensure_authority(state_dir, PROJECT, now)
    assert error.value.code == "ca_damaged"
    assert f"mv {state_dir / 'ca'}" in error.value.hint


def test_a_key_of_another_authority_is_damage(authority: Authority, state_dir: Path, now: datetime) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    (state_dir / "ca" / "root.key").write_bytes(
        stranger.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(RefusedError, match="does not belong"):
        ensure_authority(state_dir, PROJECT, now)


def test_an_expired_root_is_told(authority: Authority, state_dir: Path, now: datetime) -> None:
    with pytest.raises(RefusedError, match="expired") as error:
        ensure_authority(state_dir, PROJECT, now + timedelta(days=3653))
    assert error.value.code == "ca_expired"


def test_a_clock_before_the_roots_birth_is_told(authority: Authority, state_dir: Path, now: datetime) -> None:
    with pytest.raises(RefusedError, match="clock"):
        ensure_authority(state_dir, PROJECT, now - timedelta(days=1))


@pytest.mark.parametrize("name", ["root.key", "root.pem"])
def test_a_link_instead_of_a_file_is_refused(
    authority: Authority, state_dir: Path, now: datetime, name: str
) -> None:
    path = state_dir / "ca" / name
    path.rename(state_dir / "elsewhere")
    path.symlink_to(state_dir / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        ensure_authority(state_dir, PROJECT, now)


def test_a_link_instead_of_the_directory_is_refused(state_dir: Path, now: datetime) -> None:
    (state_dir / "elsewhere").mkdir(mode=0o700)
    (state_dir / "ca").symlink_to(state_dir / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        ensure_authority(state_dir, PROJECT, now)
    assert list((state_dir / "elsewhere").iterdir()) == []


def test_a_key_that_others_can_read_is_refused(authority: Authority, state_dir: Path, now: datetime) -> None:
    (state_dir / "ca" / "root.key").chmod(0o640)
    with pytest.raises(RefusedError, match="open to others"):
        ensure_authority(state_dir, PROJECT, now)


def test_a_missing_state_directory_is_an_error_with_a_hint(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(RefusedError) as error:
        ensure_authority(tmp_path / "nowhere", PROJECT, now)
    assert error.value.code == "state_unwritable"


def test_the_key_shows_in_no_repr(authority: Authority) -> None:
    assert "PRIVATE" not in repr(authority)

"""Leaves: what real TLS clients accept of them, and until when we do."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from docgenctl.certificates.authority import Authority, ensure_authority
from docgenctl.certificates.leaves import Leaf, issue_leaf, leaf_is_fresh
from docgenctl.certificates.names import SubjectNames, subject_names

NAMES = subject_names(["localhost", "*.example.com", "127.0.0.1", "::1"])
DAY = timedelta(days=1)
Handshake = Callable[..., None]


def issue(authority: Authority, now: datetime, lifetime: timedelta = 30 * DAY) -> Leaf:
    return issue_leaf(authority, NAMES.dns, NAMES.addresses, lifetime=lifetime, now=now)


@pytest.fixture
def leaf(authority: Authority, now: datetime) -> Leaf:
    return issue(authority, now)


@pytest.fixture
def stranger(tmp_path: Path, now: datetime) -> Authority:
    (tmp_path / "stranger").mkdir(mode=0o700)
    return ensure_authority(tmp_path / "stranger", "shop-1a2b3c", now)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "a.example.com"])
def test_a_strict_client_accepts_each_of_its_names(
    handshake: Handshake, authority: Authority, leaf: Leaf, name: str
) -> None:
    handshake(leaf.pem, authority.root_pem, name)


@pytest.mark.parametrize("name", ["127.0.0.2", "example.com", "a.b.example.com", "localhost.evil", "::2"])
def test_a_client_refuses_any_other_name(
    handshake: Handshake, authority: Authority, leaf: Leaf, name: str
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(leaf.pem, authority.root_pem, name)


def test_a_client_refuses_an_expired_leaf(handshake: Handshake, state_dir: Path, now: datetime) -> None:
    authority = ensure_authority(state_dir, "old", now - 60 * DAY)
    expired = issue(authority, now - 31 * DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(expired.pem, authority.root_pem, "localhost")


def test_a_client_refuses_a_leaf_of_the_future(
    handshake: Handshake, authority: Authority, now: datetime
) -> None:
    early = issue(authority, now + DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
        handshake(early.pem, authority.root_pem, "localhost")


def test_a_client_refuses_a_leaf_of_another_authority_with_the_same_name(
    handshake: Handshake, authority: Authority, stranger: Authority, now: datetime
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(issue(stranger, now).pem, authority.root_pem, "localhost")


def test_a_client_refuses_a_leaf_made_for_clients(
    handshake: Handshake, authority: Authority, now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority.key_identifier),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        handshake(Leaf(certificate, key).pem, authority.root_pem, "localhost")


def test_a_leaf_cannot_act_as_an_authority(
    handshake: Handshake, authority: Authority, leaf: Leaf, now: datetime
) -> None:
    usurper = Authority(leaf.certificate, leaf.key, authority.root_path)
    forged = issue(usurper, now)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(forged.pem, authority.root_pem, "localhost")


def test_pythons_default_context_accepts_it_by_the_roots_file(
    handshake: Handshake, authority: Authority, leaf: Leaf
) -> None:
    context = ssl.create_default_context(cafile=authority.root_path)
    handshake(leaf.pem, authority.root_pem, "localhost", context=context)


def test_it_serves_tls_and_nothing_else(leaf: Leaf) -> None:
    extensions = leaf.certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_serials_are_random(authority: Authority, now: datetime) -> None:
    serials = {issue(authority, now).certificate.serial_number for _ in range(20)}
    assert len(serials) == 20
    assert min(serials) > 2**64


def test_it_is_dated_back_one_hour(authority: Authority, state_dir: Path, now: datetime) -> None:
    certificate = issue(authority, now + DAY).certificate
    assert certificate.not_valid_before_utc == now + DAY - timedelta(hours=1)
    assert certificate.not_valid_after_utc == now + 31 * DAY


def test_it_does_not_outlive_its_root(authority: Authority, now: datetime) -> None:
    certificate = issue(authority, now, lifetime=5000 * DAY).certificate
    assert certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_a_certificate_for_nothing_is_our_mistake(authority: Authority, now: datetime) -> None:
    with pytest.raises(ValueError, match="nothing"):
        issue_leaf(authority, [], [], lifetime=DAY, now=now)


def test_it_is_fresh_from_its_beginning_to_two_thirds_of_its_life(authority: Authority, leaf: Leaf) -> None:
    begins = leaf.certificate.not_valid_before_utc
    two_thirds = begins + (leaf.certificate.not_valid_after_utc - begins) * 2 / 3
    second = timedelta(seconds=1)
    for moment, fresh in [
        (begins - second, False),
        (begins, True),
        (two_thirds - second, True),
        (two_thirds, False),
        (leaf.certificate.not_valid_after_utc + DAY, False),
    ]:
        assert leaf_is_fresh(leaf.certificate, authority, NAMES, moment) is fresh, moment


def test_it_is_not_fresh_for_other_names(authority: Authority, leaf: Leaf, now: datetime) -> None:
    fewer = SubjectNames(NAMES.dns, NAMES.addresses[:1])
    more = SubjectNames(NAMES.dns, (*NAMES.addresses, ip_address("10.0.0.1")))
    assert not leaf_is_fresh(leaf.certificate, authority, fewer, now)
    assert not leaf_is_fresh(leaf.certificate, authority, more, now)


def test_it_is_not_fresh_under_another_authority_of_the_same_name(
    stranger: Authority, leaf: Leaf, now: datetime
) -> None:
    assert not leaf_is_fresh(leaf.certificate, stranger, NAMES, now)


def test_a_certificate_without_names_is_not_fresh(authority: Authority) -> None:
    moment = datetime.now(UTC)
    assert not leaf_is_fresh(authority.certificate, authority, NAMES, moment)

"""Certificates of servers: issued by the project's authority, short-lived, replaced in good time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from docgenctl.certificates.authority import BACKDATED, Authority, key_usage, private_pem
from docgenctl.certificates.names import Address, SubjectNames
from docgenctl.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate and its private key, which has no useful repr."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> Secret:
        """Certificate and key in one file, as HAProxy's `crt` wants them."""
        return Secret(self.certificate.public_bytes(serialization.Encoding.PEM) + private_pem(self.key))


def issue_leaf(
    authority: Authority,
    names: Iterable[str],
    addresses: Iterable[Address],
    *,
    lifetime: timedelta,
    now: datetime,
) -> Leaf:
    """A new key and a certificate for a TLS server under these DNS names and addresses.

    It is backdated by an hour and ends `lifetime` from `now`, or with the root if that is sooner.
    Raises ValueError without any name or address.
    """
    dns, ips = tuple(names), tuple(addresses)
    if not dns and not ips:
        raise ValueError("a certificate for nothing at all proves nothing")
    key = ec.generate_private_key(ec.SECP256R1())
    root = authority.certificate
    certificate = (
        x509.CertificateBuilder()
        # Clients judge by the alternative names; this one is for people who read certificates.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "docgenctl gateway")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - BACKDATED, root.not_valid_before_utc))
        .not_valid_after(min(now + lifetime, root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, dns), *map(x509.IPAddress, ips)]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority.key_identifier),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Leaf(certificate, key)


def leaf_is_fresh(
    certificate: x509.Certificate, authority: Authority, names: SubjectNames, now: datetime
) -> bool:
    """Whether the certificate may go on being used.

    False before it begins, from two thirds of its life on, for other names than `names`, and when another
    authority issued it.
    """
    if not certificate.not_valid_before_utc <= now < fresh_until(certificate):
        return False
    return names_of(certificate) == names and _issued_by(certificate, authority)


def fresh_until(certificate: x509.Certificate) -> datetime:
    """When two thirds of its life are over."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begins + (ends - begins) * 2 / 3


def names_of(certificate: x509.Certificate) -> SubjectNames | None:
    """The names in its subject alternative name, None without that extension."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return SubjectNames(
        tuple(extension.get_values_for_type(x509.DNSName)),
        tuple(extension.get_values_for_type(x509.IPAddress)),  # type: ignore[arg-type]
    )


def _issued_by(certificate: x509.Certificate, authority: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True

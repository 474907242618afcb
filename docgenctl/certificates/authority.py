"""The project's own certificate authority: one key, one self-signed root, made once.

Key and root certificate come into being together, in a directory that is there whole or not at all. The
root may sign leaves only (path length 0), so the key cannot make further authorities.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from docgenctl.files.private_files import make_private_folder, private_directory_exists, read_private
from docgenctl.model.errors import RefusedError

DIRECTORY = "ca"
_LIFETIME = timedelta(days=3652)
#: Certificates are dated back by this much, for clocks that run a little behind ours.
BACKDATED = timedelta(hours=1)
_LONGEST_COMMON_NAME = 64


@dataclass(frozen=True, slots=True)
class Authority:
    """The root certificate, its key (which has no useful repr), and where the certificate lies."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    root_path: Path

    @property
    def root_pem(self) -> bytes:
        """The root certificate for clients to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_identifier(self) -> x509.SubjectKeyIdentifier:
        """The identifier that leaves name their issuer's key by."""
        return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value


def ensure_authority(state_dir: Path, project: str, now: datetime) -> Authority:
    """Load the authority in `<state_dir>/ca`, or make it (valid ten years).

    Raises RefusedError (`ca_damaged`, `ca_expired`) when what is there cannot be used: making a new root
    behind the user's back would cut off every client that trusts the old one.
    """
    directory = state_dir / DIRECTORY
    if not private_directory_exists(directory):
        _create(directory, project, now)
    return _load(directory, now)


def _create(directory: Path, project: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, f"docgenctl {project}"[:_LONGEST_COMMON_NAME], now)
    root_pem = certificate.public_bytes(serialization.Encoding.PEM)
    make_private_folder(directory, {"root.key": private_pem(key), "root.pem": root_pem})


def _self_signed(key: ec.EllipticCurvePrivateKey, common_name: str, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _load(directory: Path, now: datetime) -> Authority:
    key_pem = read_private(directory / "root.key")
    root_pem = read_private(directory / "root.pem")
    if key_pem is None or root_pem is None:
        raise _damaged(directory, "the key or the certificate is missing")
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(root_pem)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        raise _damaged(directory, "the key or the certificate cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not constraints.ca:
        raise _damaged(directory, "it is not an authority of ours")
    if key.public_key() != certificate.public_key():
        raise _damaged(directory, "the key does not belong to the certificate")
    _check_dates(certificate, directory, now)
    return Authority(certificate, key, directory / "root.pem")


def _check_dates(certificate: x509.Certificate, directory: Path, now: datetime) -> None:
    if now >= certificate.not_valid_after_utc:
        raise RefusedError(
            f"the certificate authority in {directory} expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            code="ca_expired",
            hint=_start_over(directory),
        )
    if now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc
        raise RefusedError(
            f"the certificate authority in {directory} begins on {begins:%Y-%m-%d}, "
            f"and the clock says {now:%Y-%m-%d}",
            code="clock",
            hint="Set this machine's clock.",
        )


def _damaged(directory: Path, why: str) -> RefusedError:
    return RefusedError(
        f"the certificate authority in {directory} is damaged: {why}",
        code="ca_damaged",
        hint=f"Restore it from a backup. Without one: {_start_over(directory)}",
    )


def _start_over(directory: Path) -> str:
    return f"mv {directory} {directory}.old; 'docgenctl up' makes a new one, which clients must then trust"


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as unencrypted PKCS #8, for a 0600 file or a secrets volume."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    """A keyUsage extension with the named bits alone (RFC 5280, 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

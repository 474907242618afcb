"""A small authority and a certificate for localhost, for services that ask each other for certificates."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Certificates:
    """Files for mTLS: one certificate that may serve and ask, its key, its authority; `both` in one file."""

    certificate: Path
    key: Path
    authority: Path
    both: Path

    def client(self) -> ssl.SSLContext:
        """How a client that has the certificate connects."""
        made = ssl.create_default_context(cafile=str(self.authority))
        made.load_cert_chain(self.certificate, self.key)
        return made

    @property
    def files(self) -> tuple[str, str, str]:
        """The paths of certificate, key and authority."""
        return str(self.certificate), str(self.key), str(self.authority)


def make_certificates(folder: Path) -> Certificates:
    """Write the files of `Certificates` into `folder`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark authority")])
    root = (
        _certificate(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = (
        _certificate(name, root_name, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    parts = {
        "tls.crt": leaf.public_bytes(serialization.Encoding.PEM),
        "tls.key": private,
        "tls-ca.crt": root.public_bytes(serialization.Encoding.PEM),
    }
    parts["both.pem"] = parts["tls.crt"] + private
    for file, content in parts.items():
        (folder / file).write_bytes(content)
        (folder / file).chmod(0o600)
    return Certificates(*(folder / file for file in ("tls.crt", "tls.key", "tls-ca.crt", "both.pem")))


def _certificate(name: x509.Name, issuer: x509.Name, key: _Key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
    )

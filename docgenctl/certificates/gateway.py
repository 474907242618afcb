"""The gateway's certificate: issued at the first start, reused until two thirds of its life are over."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from docgenctl.certificates.authority import BACKDATED, Authority, ensure_authority
from docgenctl.certificates.leaves import Leaf, issue_leaf, leaf_is_fresh
from docgenctl.certificates.names import SubjectNames, subject_names
from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.secret import Secret

LIFETIMES = {"development": timedelta(days=30), "production": timedelta(hours=24)}
#: Everyone who can reach the published port from this machine uses one of these.
_ALWAYS = ("localhost", "127.0.0.1", "::1")
_FILE = "gateway.pem"


@dataclass(frozen=True, slots=True)
class GatewayCertificate:
    """What HAProxy serves (`pem`: certificate and key), what clients trust, and until when it holds."""

    pem: Secret
    root_pem: bytes
    root_path: Path
    not_after: datetime


def ensure_gateway_certificate(
    state_dir: Path,
    hostnames: Iterable[str],
    environment: Literal["development", "production"],
    now: datetime,
    *,
    project: str,
) -> GatewayCertificate:
    """Reuse `<state_dir>/gateway.pem` while it is fresh, or issue another (30 days, 24 h in production).

    Args:
        state_dir: the project's private directory; must exist with mode 0700.
        hostnames: DNS names or addresses besides localhost, 127.0.0.1 and ::1.
        environment: decides the lifetime; one issued for longer than it allows is replaced.
        now: the wall clock, time zone aware.
        project: names the root, for people who look at it in a trust store.

    Raises ConfigurationError for names that cannot be certified,
    RefusedError for a damaged or expired authority and for files others could have planted or read.
    """
    names = subject_names([*_ALWAYS, *hostnames])
    lifetime = LIFETIMES[environment]
    authority = ensure_authority(state_dir, project, now)
    path = state_dir / _FILE
    leaf = _load(path)
    if leaf is None or not _usable(leaf, authority, names, lifetime, now):
        leaf = issue_leaf(authority, names.dns, names.addresses, lifetime=lifetime, now=now)
        write_private(path, leaf.pem.reveal_bytes())
    return GatewayCertificate(
        pem=leaf.pem,
        root_pem=authority.root_pem,
        root_path=authority.root_path,
        not_after=leaf.certificate.not_valid_after_utc,
    )


def _usable(
    leaf: Leaf, authority: Authority, names: SubjectNames, lifetime: timedelta, now: datetime
) -> bool:
    certificate = leaf.certificate
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return lasts <= lifetime + BACKDATED and leaf_is_fresh(certificate, authority, names, now)


def _load(path: Path) -> Leaf | None:
    """The leaf in the file; None for a missing or damaged one, which costs nothing to replace."""
    content = read_private(path)
    if content is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(content)
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Leaf(certificate, key)

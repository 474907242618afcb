"""The gateway's certificate itself: loaded and judged, or issued. Imports the cryptography library."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from docgenctl.certificates.authority import BACKDATED, Authority, ensure_authority
from docgenctl.certificates.leaves import Leaf, fresh_until, issue_leaf, leaf_is_fresh
from docgenctl.certificates.names import SubjectNames
from docgenctl.files.private_files import read_private, write_private


@dataclass(frozen=True, slots=True)
class Judged:
    """A certificate that may be served, from when and until when that holds without another look."""

    leaf: Leaf
    authority: Authority
    good_from: datetime
    good_until: datetime


def ensure_leaf(path: Path, project: str, names: SubjectNames, lifetime: timedelta, now: datetime) -> Judged:
    """The leaf in the file while it is fresh, else a new one there; the authority lies beside it.

    Raises RefusedError for a damaged or expired authority and for files others could have planted or read.
    """
    authority = ensure_authority(path.parent, project, now)
    leaf = _load(path)
    if leaf is None or not _usable(leaf, authority, names, lifetime, now):
        leaf = issue_leaf(authority, names.dns, names.addresses, lifetime=lifetime, now=now)
        write_private(path, leaf.pem.reveal_bytes())
    root = authority.certificate
    return Judged(
        leaf=leaf,
        authority=authority,
        good_from=max(leaf.certificate.not_valid_before_utc, root.not_valid_before_utc),
        good_until=min(fresh_until(leaf.certificate), root.not_valid_after_utc),
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

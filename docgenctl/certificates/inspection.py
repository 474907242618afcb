"""What the certificates of a stack say of themselves; nothing is issued, renewed or judged."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from docgenctl.certificates.authority import BACKDATED
from docgenctl.certificates.leaves import names_of
from docgenctl.files.private_files import read_private


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """One certificate; `issued` is when it was made, which is later than it begins.

    `renewed_from` is when `docgenctl up` replaces it, None for one that it never does.
    """

    what: str
    path: Path
    subject: str
    names: tuple[str, ...]
    issued: datetime
    expires: datetime
    renewed_from: datetime | None


def inspect_certificates(state_dir: Path) -> tuple[CertificateFacts, ...]:
    """The gateway's certificate and the authority's root, as far as they are there and can be read.

    Raises RefusedError for files that others could have planted.
    """
    found = (
        _inspect("gateway", state_dir / "gateway.pem", leaf=True),
        _inspect("authority", state_dir / "ca" / "root.pem", leaf=False),
    )
    return tuple(facts for facts in found if facts)


def _inspect(what: str, path: Path, *, leaf: bool) -> CertificateFacts | None:
    content = read_private(path) if path.parent.is_dir() else None
    if content is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(content)
    except ValueError:
        return None
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    names = names_of(certificate)
    return CertificateFacts(
        what=what,
        path=path,
        subject=certificate.subject.rfc4514_string(),
        names=(*names.dns, *map(str, names.addresses)) if names else (),
        issued=begins + BACKDATED,
        expires=ends,
        renewed_from=begins + (ends - begins) * 2 / 3 if leaf else None,
    )

"""A small certificate authority of the project's own, and the certificates it issues.

`gateway` and what it imports at once are light; the cryptography library comes with `authority`, `leaves` and
`gateway_leaf`.
"""

from docgenctl.certificates.gateway import GatewayCertificate, ensure_gateway_certificate
from docgenctl.certificates.names import SubjectNames, subject_names

__all__ = ["GatewayCertificate", "SubjectNames", "ensure_gateway_certificate", "subject_names"]

"""A small certificate authority of the project's own, and the certificates it issues."""

from docgenctl.certificates.authority import Authority, ensure_authority
from docgenctl.certificates.gateway import GatewayCertificate, ensure_gateway_certificate
from docgenctl.certificates.leaves import Leaf, issue_leaf, leaf_is_fresh
from docgenctl.certificates.names import SubjectNames, subject_names

__all__ = [
    "Authority",
    "GatewayCertificate",
    "Leaf",
    "SubjectNames",
    "ensure_authority",
    "ensure_gateway_certificate",
    "issue_leaf",
    "leaf_is_fresh",
    "subject_names",
]

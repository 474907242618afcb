"""Certificates for the mTLS rows of `forwarding.py`: the maker that the tests of the servers use."""

import sys

from _processes import ROOT

sys.path.append(str(ROOT))

from tests.servers.certificates import Certificates, make_certificates

__all__ = ["Certificates", "make_certificates"]

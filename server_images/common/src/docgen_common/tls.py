"""Mutual TLS between services: who serves and who asks both show a certificate of the one authority.

Off unless ``DOCGEN_TLS=mutual``. Certificate, key and authority are three secret files; one certificate
serves for both sides, so it needs the server's name and both extended key uses.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docgen_common.errors import SettingsError

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "tls-ca.crt"
"""The names of the three files among the secrets."""


@dataclass(frozen=True)
class MutualTls:
    """The folder that has the three files."""

    folder: Path

    def server(self) -> ssl.SSLContext:
        """How this service is reached: by those only who have a certificate. Raises SettingsError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        context.set_alpn_protocols(["http/1.1"])
        return self._loaded(context)

    def client(self) -> ssl.SSLContext:
        """How this service asks others, whose name and authority it checks. Raises SettingsError."""
        return self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.folder / CERTIFICATE, self.folder / KEY)
            context.load_verify_locations(self.folder / AUTHORITY)
        except OSError as error:  # ssl.SSLError is one, and says what is wrong without the content
            reason = error.strerror or type(error).__name__
            files = f"{CERTIFICATE}, {KEY} and {AUTHORITY}"
            raise SettingsError(f"{files} cannot be used for TLS: {reason}") from None
        return context


def mutual_tls(environ: Mapping[str, str], secrets_dir: Path) -> MutualTls | None:
    """What ``DOCGEN_TLS`` asks for. Raises SettingsError for a value that means nothing."""
    value = environ.get("DOCGEN_TLS", "")
    if value not in ("", "mutual"):
        raise SettingsError(f"DOCGEN_TLS must be mutual or not set, not {value!r}")
    return MutualTls(secrets_dir) if value else None

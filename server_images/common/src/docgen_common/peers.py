"""Unix sockets in the place of container networks, for servers that run as plain processes.

Without containers there is no network of one's own and no name service on it. What runs the processes then
says where this server listens (``DOCGEN_SOCKET``, a path) and where the servers are that it shares a network
with (``DOCGEN_PEERS``: ``name=path`` with commas). Paths may be relative: socket paths hold 107 bytes only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from docgen_common.errors import SettingsError

_LONGEST = 107


def own_socket(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where this server listens instead of on its port; None in a container. Raises SettingsError."""
    value = environ.get("DOCGEN_SOCKET") or None
    return None if value is None else _path("DOCGEN_SOCKET", value)


def peer_sockets(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Host name → socket of every server that is reached by one; empty in a container.

    Raises SettingsError.
    """
    peers = {}
    for entry in filter(None, environ.get("DOCGEN_PEERS", "").split(",")):
        name, separator, path = entry.partition("=")
        if not (name and separator):
            raise SettingsError(f"DOCGEN_PEERS holds name=path with commas between, not {entry!r}")
        peers[name] = _path("DOCGEN_PEERS", path)
    return peers


def _path(variable: str, value: str) -> str:
    if not value or "\0" in value or len(value.encode()) > _LONGEST:
        raise SettingsError(f"{variable} must name a socket in at most {_LONGEST} bytes, not {value!r}")
    return value

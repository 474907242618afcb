"""Unix sockets in the place of container networks, for servers that run as plain processes.

Without containers there is no network of one's own and no name service on it. What runs the processes then
says where this server listens (``DOCGEN_SOCKET``, a path) and where the servers are that it shares a network
with (``DOCGEN_PEERS``: ``name=path`` with commas). Paths may be relative: socket paths hold 107 bytes only.
Servers that join while this one runs are told of in a file of the same form (``DOCGEN_PEERS_FILE``), which
then counts instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from docgen_common.errors import SettingsError

_LONGEST = 107


def own_socket(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where this server listens instead of on its port; None in a container. Raises SettingsError."""
    value = environ.get("DOCGEN_SOCKET") or None
    return None if value is None else _path("DOCGEN_SOCKET", value)


def peer_sockets(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Host name → socket of every server that is reached by one now; empty in a container.

    Raises SettingsError.
    """
    peers = {}
    for entry in filter(None, _told(environ).split(",")):
        name, separator, path = entry.partition("=")
        if not (name and separator):
            raise SettingsError(f"DOCGEN_PEERS holds name=path with commas between, not {entry!r}")
        peers[name] = _path("DOCGEN_PEERS", path)
    return peers


def _told(environ: Mapping[str, str]) -> str:
    file = environ.get("DOCGEN_PEERS_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8")
        except FileNotFoundError:
            pass  # nobody has joined since the start
    return environ.get("DOCGEN_PEERS", "")


def _path(variable: str, value: str) -> str:
    if not value or "\0" in value or len(value.encode()) > _LONGEST:
        raise SettingsError(f"{variable} must name a socket in at most {_LONGEST} bytes, not {value!r}")
    return value

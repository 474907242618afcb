"""What a server is told by its environment, its configuration folder and its secrets folder.

The environment carries plain facts only; secrets are files (one value each), configuration is
``server.json``. Both folders are versioned and switched by renaming a ``current`` link, so nothing here keeps
a descriptor open.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docgen_common.errors import SettingsError
from docgen_common.limits import DEFAULT_BODY_BYTES
from docgen_common.peers import own_socket
from docgen_common.tls import MutualTls, mutual_tls

_LEVELS = {"debug", "info", "warning", "error", "critical"}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class ServerSettings:
    """Everything that a server process is told from outside.

    ``allowed_hosts`` are host names without a port that a request's ``Host`` may carry; any port is accepted.
    ``max_body_bytes`` is the gateway's limit too, which can only judge bodies that declare their length.
    ``socket`` is where it listens instead of ``bind`` and ``port``, outside of containers; keys are needed as
    ``bind`` says. ``tls`` is how services of the stack prove to each other who they are; off when it is None.
    """

    server: str
    bind: str
    port: int
    environment: str
    log_level: str
    config_dir: Path
    secrets_dir: Path
    egress_proxy: str | None
    allowed_hosts: tuple[str, ...]
    max_body_bytes: int = DEFAULT_BODY_BYTES
    socket: str | None = None
    tls: MutualTls | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ServerSettings:
        """Read the ``DOCGEN_*`` and ``MCP_*`` variables.

        Raises SettingsError for a value that cannot be meant.
        """
        server = _server_name(environ.get("DOCGEN_SERVER", ""))
        secrets_dir = _folder("DOCGEN_SECRETS_DIR", environ, "/run/secrets/current")
        return cls(
            server=server,
            bind=_bind(environ.get("DOCGEN_BIND", "127.0.0.1")),
            port=_port(environ.get("DOCGEN_PORT", "8000")),
            environment=environ.get("MCP_ENV", "development"),
            log_level=_log_level(environ.get("MCP_LOG_LEVEL", "info")),
            config_dir=_folder("DOCGEN_CONFIG_DIR", environ, "/etc/docgen/config/current"),
            secrets_dir=secrets_dir,
            egress_proxy=_proxy(environ.get("DOCGEN_EGRESS_PROXY", "")),
            allowed_hosts=_hosts(server, environ.get("DOCGEN_ALLOWED_HOSTS", "")),
            max_body_bytes=_bytes(environ.get("DOCGEN_MAX_BODY_BYTES", str(DEFAULT_BODY_BYTES))),
            socket=own_socket(environ),
            tls=mutual_tls(environ, secrets_dir),
        )

    @property
    def loopback(self) -> bool:
        """Whether only this machine (or this container) can connect."""
        return self.bind == "localhost" or ipaddress.ip_address(self.bind).is_loopback

    def options(self) -> Mapping[str, Any]:
        """The ``options`` of ``server.json``; empty when the file or the key is absent.

        Raises SettingsError when the file is not a JSON object of that shape.
        """
        try:
            raw = (self.config_dir / "server.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"server.json cannot be read: {_reason(error)}") from None
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"server.json is not JSON: {error}") from None
        options = document.get("options", {}) if isinstance(document, dict) else None
        if not isinstance(options, dict):
            raise SettingsError('server.json must be an object with an object under "options"')
        return options

    def secret(self, name: str) -> str | None:
        """The stripped content of the secret file ``name``, or None when there is none or it is blank.

        Raises SettingsError when the file is there but cannot be read.
        """
        if not _FILE_NAME.fullmatch(name):
            raise SettingsError(f"{name!r} is not the name of a secret")
        try:
            value = (self.secrets_dir / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"secret {name} cannot be read: {_reason(error)}") from None
        return value or None


def _reason(error: Exception) -> str:
    """Why a file could not be read, without its path."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is not UTF-8 text"


def _server_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise SettingsError(f"DOCGEN_SERVER must be the server's name (a-z, 0-9, - and _), not {value!r}")
    return value


def _bind(value: str) -> str:
    if value == "localhost":
        return value
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise SettingsError(f"DOCGEN_BIND must be an IP address, not {value!r}") from None


def _bytes(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) < 1024:
        raise SettingsError(f"DOCGEN_MAX_BODY_BYTES must be a number of at least 1024, not {value!r}")
    return int(value)


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 65535):
        raise SettingsError(f"DOCGEN_PORT must be a number from 1 to 65535, not {value!r}")
    return int(value)


def _log_level(value: str) -> str:
    level = value.strip().lower()
    if level not in _LEVELS:
        raise SettingsError(f"MCP_LOG_LEVEL must be one of {', '.join(sorted(_LEVELS))}, not {value!r}")
    return level


def _folder(variable: str, environ: Mapping[str, str], default: str) -> Path:
    value = environ.get(variable) or default
    if "\0" in value or not value.startswith("/"):
        raise SettingsError(f"{variable} must be an absolute path, not {value!r}")
    return Path(value)


def _proxy(value: str) -> str | None:
    if not value:
        return None
    try:
        parts = urlsplit(value)
        fits = parts.scheme == "http" and parts.hostname and parts.port and not parts.username
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError("DOCGEN_EGRESS_PROXY must look like http://egress:3128")
    return value


def _hosts(server: str, value: str) -> tuple[str, ...]:
    """The server's own name, the loopback names, and what DOCGEN_ALLOWED_HOSTS adds (with commas)."""
    extra = [host.strip() for host in value.split(",") if host.strip()]
    for host in extra:
        if not _HOST.fullmatch(host):
            raise SettingsError(f"DOCGEN_ALLOWED_HOSTS holds host names without a port, not {host!r}")
    return tuple(dict.fromkeys((server, *_LOOPBACK_HOSTS, *extra)))

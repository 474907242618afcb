"""What an adapter is told in server.json: the program that it runs, or the address that it speaks to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docgen_common.errors import SettingsError
from docgen_common.settings import ServerSettings

PACKAGES = "DOCGEN_PACKAGES"
"""Variable with the folder that the server's packages are installed in."""

MOST_BYTES = 16 * 1024 * 1024
"""The largest single message taken from a server."""

_MARK = "DOCGENCTL_CONTAINER"  # by which the supervisor of plain processes knows what belongs to a service
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Program:
    """A server that speaks over its stdin and stdout; ``environment`` is all that it is given."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    directory: Path


@dataclass(frozen=True)
class Address:
    """A server that speaks Streamable HTTP; ``key`` is presented as a bearer token.

    ``proxy`` is the way out. ``authorities`` is a file of certificates that are trusted besides the system's.
    """

    url: str
    key: str | None = field(repr=False)
    headers: Mapping[str, str]
    proxy: str | None
    authorities: Path | None


def read_options(settings: ServerSettings) -> Program | Address:
    """The options of server.json, with secrets filled in. Raises SettingsError."""
    options = dict(settings.options())
    if "command" in options:
        return _program(options, settings)
    if "url" in options:
        return _address(options, settings)
    raise SettingsError("server.json: options need a command or a url")


def _program(options: Mapping[str, Any], settings: ServerSettings) -> Program:
    command = options["command"]
    if not (isinstance(command, list) and command and all(_is_word(word) for word in command)):
        raise SettingsError("server.json: options/command must be a list of texts")
    home = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - the container's own
    directory = Path(os.environ.get("DOCGEN_DATA") or home)
    environment = {
        "PATH": _search_path(),
        "HOME": str(directory),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **_proxy_variables(settings),
        **_variables(options, "environment"),
    }
    for variable, secret in _variables(options, "secrets").items():
        value = settings.secret(secret)
        if value is not None:
            environment[variable] = value
    if _MARK in os.environ:
        environment[_MARK] = os.environ[_MARK]
    return Program(tuple(command), environment, directory)


def _search_path() -> str:
    packages = os.environ.get(PACKAGES)
    return f"{packages}/bin:{_SYSTEM_PATH}" if packages else _SYSTEM_PATH


def _proxy_variables(settings: ServerSettings) -> dict[str, str]:
    """What most clients know the way out by; it leads nowhere that is not allowed."""
    proxy = settings.egress_proxy
    if proxy is None:
        return {}
    return {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "http_proxy": proxy, "https_proxy": proxy}


def _address(options: Mapping[str, Any], settings: ServerSettings) -> Address:
    url = options["url"]
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise SettingsError("server.json: options/url must be an address")
    secret = options.get("key_secret")
    key = settings.secret(secret) if isinstance(secret, str) else None
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError(f"the secret {secret} has characters that no key has")
    authorities = settings.config_dir / "ca.pem"
    return Address(
        url=url,
        key=key,
        headers=_variables(options, "headers", names=re.compile(r"[A-Za-z0-9-]{1,64}")),
        proxy=settings.egress_proxy if options.get("outside") else None,
        authorities=authorities if authorities.is_file() else None,
    )


def _variables(options: Mapping[str, Any], key: str, names: re.Pattern[str] = _VARIABLE) -> dict[str, str]:
    found = options.get(key, {})
    if not isinstance(found, dict) or not all(
        names.fullmatch(name) and _is_word(value) for name, value in found.items()
    ):
        raise SettingsError(f"server.json: options/{key} must map names to texts")
    return found


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value

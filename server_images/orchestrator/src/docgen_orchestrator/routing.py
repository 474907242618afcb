"""``routing.yaml``: which servers there are, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docgen_common.errors import SettingsError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

FILE_NAME = "routing.yaml"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_KEYS = {"url", "ready_url", "key_secret", "tool_prefixes", "resource_schemes", "timeout_s", "events_url"}


@dataclass(frozen=True)
class Route:
    """One server behind the orchestrator.

    ``tool_prefixes`` and ``resource_schemes`` route a name only while the server has never told what it
    offers. ``timeout_s`` bounds one call, in seconds. ``events_url`` is where its events are, if it has any.
    """

    name: str
    url: str
    ready_url: str
    key_secret: str
    tool_prefixes: tuple[str, ...]
    resource_schemes: tuple[str, ...]
    timeout_s: float
    events_url: str | None = None


def load_routing(config_dir: Path) -> tuple[Route, ...]:
    """The routes of ``routing.yaml``, sorted by name. Raises SettingsError naming the key that is wrong."""
    try:
        text = (config_dir / FILE_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{FILE_NAME} cannot be read: {reason}") from None
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError) as error:
        raise SettingsError(f"{FILE_NAME} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or document.get("version") != 1:
        raise SettingsError(f"{FILE_NAME}: version must be 1")
    servers = document.get("servers")
    if not isinstance(servers, dict) or not servers:
        raise SettingsError(f"{FILE_NAME}: servers must name at least one server")
    return tuple(_route(name, servers[name]) for name in sorted(servers, key=str))


def _route(name: Any, entry: Any) -> Route:
    where = f"{FILE_NAME}: servers/{name}"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: not a server name (a-z, 0-9, - and _)")
    if not isinstance(entry, dict):
        raise SettingsError(f"{where}: must be a map")
    if unknown := sorted(str(key) for key in entry.keys() - _KEYS):
        raise SettingsError(f"{where}: unknown {', '.join(unknown)}")
    url = _url(where, "url", entry)
    return Route(
        name=name,
        url=url,
        ready_url=_url(where, "ready_url", entry) if "ready_url" in entry else _ready_url(url),
        key_secret=_text(where, "key_secret", entry.get("key_secret", f"upstream-{name}")),
        tool_prefixes=_texts(where, "tool_prefixes", entry),
        resource_schemes=_texts(where, "resource_schemes", entry),
        timeout_s=_seconds(where, entry.get("timeout_s", 60)),
        events_url=_url(where, "events_url", entry) if "events_url" in entry else None,
    )


def _url(where: str, key: str, entry: Mapping[str, Any]) -> str:
    value = _text(where, key, entry.get(key))
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not value.isascii() or any(char <= " " for char in value):
        raise SettingsError(f"{where}/{key}: must look like http://{where.rpartition('/')[2]}:8000/mcp")
    return value


def _ready_url(url: str) -> str:
    return urlsplit(url)._replace(path="/health/ready", query="", fragment="").geturl()


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{where}/{key}: must be text")
    return value


def _texts(where: str, key: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list):
        raise SettingsError(f"{where}/{key}: must be a list")
    return tuple(_text(where, key, value) for value in values)


def _seconds(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise SettingsError(f"{where}/timeout_s: must be seconds, more than 0")
    return float(value)

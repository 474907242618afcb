"""What the doors are told: ``gateway.json`` in the configuration folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgen_common.errors import SettingsError

FILE_NAME = "gateway.json"


@dataclass(frozen=True)
class Route:
    """A path that a door answers, and what the orchestrator is asked instead; the query may go along."""

    path: str
    target: str
    read_only: bool
    query: bool
    post_only: bool = False


@dataclass(frozen=True)
class Door:
    """One TLS port: ``port`` is the one it is known by, whatever the host's port is."""

    name: str
    port: int
    routes: Mapping[str, Route]


@dataclass(frozen=True)
class Plan:
    """All of ``gateway.json``; hosts are in lower case and without a port, times are seconds.

    ``rate`` is how many requests of one address in how many seconds, and after how many it may try again.
    """

    doors: tuple[Door, ...]
    hosts: frozenset[str]
    local_hosts: frozenset[str]
    stripped_headers: frozenset[bytes]
    stripped_beginnings: tuple[bytes, ...]
    upstream: str
    max_body_bytes: int
    max_connections: int
    request_seconds: float
    silence_seconds: float
    rate: tuple[int, int, int] | None = None


def load_plan(folder: Path) -> Plan:
    """Read the file. Raises SettingsError."""
    try:
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return _plan(document["gateway"])
    except OSError as error:
        raise SettingsError(f"{FILE_NAME} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{FILE_NAME} is not what it should be: {error!r}") from None


def _plan(document: Mapping[str, Any]) -> Plan:
    return Plan(
        doors=tuple(_door(door) for door in document["doors"]),
        hosts=frozenset(host.lower() for host in document["hosts"]),
        local_hosts=frozenset(host.lower() for host in document["local_hosts"]),
        stripped_headers=frozenset(name.lower().encode() for name in document["stripped_headers"]),
        stripped_beginnings=tuple(name.lower().encode() for name in document["stripped_beginnings"]),
        upstream=str(document["upstream"]),
        max_body_bytes=int(document["max_body"]),
        max_connections=int(document["max_connections"]),
        request_seconds=float(document["request_timeout_s"]),
        silence_seconds=float(document["client_silence_s"]),
        rate=_rate(document.get("rate")),
    )


def _rate(rate: Mapping[str, Any] | None) -> tuple[int, int, int] | None:
    if rate is None:
        return None
    return int(rate["count"]), int(rate["per_s"]), int(rate["retry_after_s"])


def _door(door: Mapping[str, Any]) -> Door:
    routes = [
        Route(
            route["path"],
            route["target"],
            bool(route["read_only"]),
            bool(route["query"]),
            bool(route.get("post_only", False)),
        )
        for route in door["routes"]
    ]
    return Door(
        name=str(door["name"]), port=int(door["port"]), routes={route.path: route for route in routes}
    )

"""Whether a tool is still what it was when somebody looked at it.

A tool's definition is what a model goes by, and a server may change it at any time. ``definitions.json`` in
the secrets folder tells what each tool was when docgenctl saw it first, or when a human accepted it: the
SHA-256 of each definition, by server and by the server's own name of the tool. docgenctl keeps these in its
state, outside of every container, and delivers them; nothing that a server does can change them, and every
replica has the same ones (docs/decisions/0029-tool-definitions.md).

A server of which nothing is told is new: what it offers is what docgenctl will see first. From then on a tool
that is not told of is a change as much as one whose definition is another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from docgen_common.errors import SettingsError

from docgen_orchestrator.offer import Item

FILE_NAME = "definitions.json"


class Standing(StrEnum):
    """How a definition compares with the one that is known."""

    UNSEEN = "unseen"
    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"

    @property
    def is_change(self) -> bool:
        """Whether somebody should look at it."""
        return self in (Standing.NEW, Standing.CHANGED)


@dataclass(frozen=True)
class KnownDefinitions:
    """Digests by the server's own name of each tool, of one server; None for one that nobody looked at."""

    digests: Mapping[str, str] | None = None

    def standing(self, own_name: str, digest: str) -> Standing:
        """How the definition with this digest compares."""
        if self.digests is None:
            return Standing.UNSEEN
        known = self.digests.get(own_name)
        if known is None:
            return Standing.NEW
        return Standing.KNOWN if known == digest else Standing.CHANGED


@dataclass(frozen=True)
class Definitions:
    """All of ``definitions.json``."""

    servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, server: str) -> KnownDefinitions:
        """What is known of one server."""
        return KnownDefinitions(self.servers.get(server))


def digest_of(tool: Item) -> str:
    """SHA-256 (hex) of everything in a definition but ``_meta``, which is not for models.

    The order of keys does not matter; every character of every text does.
    """
    told = {key: value for key, value in tool.items() if key != "_meta"}
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def parse_definitions(raw: bytes) -> Definitions:
    """What the bytes of ``definitions.json`` say. Raises SettingsError."""
    try:
        document: Any = json.loads(raw)
        if document["version"] != 1:
            raise SettingsError(f"{FILE_NAME}: version must be 1")
        servers = {str(name): _digests(name, tools) for name, tools in document["servers"].items()}
    except (ValueError, RecursionError):
        raise SettingsError(f"{FILE_NAME} is not JSON") from None
    except (KeyError, TypeError, AttributeError):
        raise SettingsError(f'{FILE_NAME} must be {{"version": 1, "servers": {{...}}}}') from None
    return Definitions(servers)


def _digests(server: str, tools: Mapping[str, Any]) -> Mapping[str, str]:
    for name, digest in tools.items():
        if not isinstance(digest, str) or len(digest) != 64:
            raise SettingsError(f"{FILE_NAME}: servers/{server}/{name}: must be a SHA-256 in hex")
    return dict(tools)

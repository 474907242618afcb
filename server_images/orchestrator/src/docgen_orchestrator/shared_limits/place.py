"""Where the store is, as ``routing.yaml`` says it under ``limits``."""

from __future__ import annotations

from dataclasses import dataclass

from docgen_orchestrator.entry import Entry

_KEYS = frozenset({"host", "port", "key_secret"})


@dataclass(frozen=True)
class StorePlace:
    """Host and port of the store; ``key_secret`` is the name of the secret with its password."""

    host: str
    port: int
    key_secret: str


def parse_place(top: Entry) -> StorePlace:
    """What the key ``limits`` of ``top`` says. Raises SettingsError naming what is wrong."""
    entry = top.entry("limits", _KEYS)
    port = entry.raw("port")
    if type(port) is not int or not 1 <= port <= 65535:
        raise entry.refuse("port", "must be a number from 1 to 65535")
    return StorePlace(entry.text("host"), port, entry.text("key_secret"))

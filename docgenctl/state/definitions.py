"""What each tool was when it was looked at first, or when somebody accepted it.

`definitions.json` in the state directory, outside of every container: nothing that a server does reaches it.
The orchestrator gets the digests (see `delivered`), and compares what servers tell with them. It is not
derived: when it is damaged, nobody knows what was accepted, so that is an error and not a fresh start.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.errors import ConfigurationError

DEFINITIONS_FILE = "definitions.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class KnownTool:
    """One tool: the SHA-256 of its definition, when it was first seen and last changed (RFC 3339, UTC)."""

    digest: str
    first_seen: str
    changed: str = ""
    definition: Mapping[str, Any] = field(default_factory=dict)

    def became(self, digest: str, definition: Mapping[str, Any], now: str) -> "KnownTool":
        """The same tool with the definition that is known from now on."""
        return replace(self, digest=digest, definition=dict(definition), changed=now)


Known = Mapping[str, Mapping[str, KnownTool]]
"""Server → the server's own name of a tool → the tool."""


def read_definitions(state_dir: Path) -> Known:
    """All that is known; empty when nothing was looked at yet. Raises ConfigurationError when damaged."""
    path = state_dir / DEFINITIONS_FILE
    data = read_private(path)
    if data is None:
        return {}
    try:
        document = json.loads(data)
        if document["version"] != _VERSION:
            raise ValueError(document["version"])
        return {
            server: {name: KnownTool(**tool) for name, tool in tools.items()}
            for server, tools in document["servers"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(
            f"{path} is damaged and cannot be read",
            hint=f"move it aside: mv {path} {path}.damaged; the next up takes every tool as it is then",
            code="state_damaged",
        ) from None


def write_definitions(state_dir: Path, known: Known) -> None:
    """Replace all that is known. Raises RefusedError when it cannot be written; the old is intact then."""
    servers = {
        server: {name: asdict(tool) for name, tool in sorted(tools.items())}
        for server, tools in sorted(known.items())
    }
    document = {"version": _VERSION, "servers": servers}
    write_private(state_dir / DEFINITIONS_FILE, json.dumps(document, indent=1).encode() + b"\n")


def delivered(known: Known) -> bytes:
    """What the orchestrator is told: digests alone, of every server that was looked at."""
    servers = {
        server: {name: tool.digest for name, tool in sorted(tools.items())}
        for server, tools in sorted(known.items())
    }
    return json.dumps({"version": _VERSION, "servers": servers}, indent=1).encode() + b"\n"

"""The keys that were made for clients: names, hashes and what each may do, in one private file.

The values are nowhere: who made a key was shown it once. A revoked key's hash goes as well; its name and
dates stay, so that one can still say when it was.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.client_key import ClientKey
from docgenctl.model.errors import ConfigurationError, RefusedError

KEYS_FILE = "keys.json"
_VERSION = 1
#: So many entries stay far below what servers read of their file, and below what anybody can oversee.
_MOST_ACTIVE = 1000
_MOST_REVOKED = 200


class ClientKeyFile:
    """`keys.json` in a project's state directory; who changes it holds the project's lock."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / KEYS_FILE

    def read(self) -> tuple[ClientKey, ...]:
        """All keys by name, revoked ones too; none when no key was ever made.

        Raises ConfigurationError when the file is damaged or newer than this docgenctl.
        """
        content = read_private(self.path)
        if content is None:
            return ()
        try:
            document = json.loads(content)
            version, entries = document["version"], document["keys"]
            keys = tuple(_key(entry) for entry in entries) if version == _VERSION else ()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ConfigurationError(
                f"{self.path} is damaged and cannot be read",
                hint=f"restore it; or move it aside, and keys made with 'docgenctl keys create' "
                f"are no longer accepted: mv {self.path} {self.path}.damaged",
                code="state_damaged",
            ) from None
        if version != _VERSION:
            raise ConfigurationError(
                f"{self.path} was written by a newer docgenctl (layout {version})",
                hint="use that version, or a newer one",
                code="state_newer",
            )
        return keys

    def add(self, key: ClientKey) -> None:
        """Add a key. Raises RefusedError (`key_exists`) for the name of one that is not revoked."""
        keys = self.read()
        if any(known.name == key.name and known.revoked is None for known in keys):
            raise RefusedError(
                f"there is a key named {key.name} already",
                hint=f"take another name, or first: docgenctl keys revoke {key.name}",
                code="key_exists",
            )
        if sum(known.revoked is None for known in keys) >= _MOST_ACTIVE:
            raise RefusedError(
                f"there are {_MOST_ACTIVE} keys already", hint="revoke some: docgenctl keys list"
            )
        self._write([*(known for known in keys if known.name != key.name), key])

    def revoke(self, name: str, at: str) -> None:
        """Forget the hash of the key of that name."""
        self._write(
            replace(key, sha256="", revoked=at) if key.name == name and key.revoked is None else key
            for key in self.read()
        )

    def remove(self, name: str) -> None:
        """Take back what `add` did."""
        self._write(key for key in self.read() if key.name != name)

    def _write(self, keys: Iterable[ClientKey]) -> None:
        wanted = sorted(keys, key=lambda key: key.name)
        revoked = sorted((key for key in wanted if key.revoked), key=lambda key: key.revoked or "")
        forgotten = {key.name for key in revoked[:-_MOST_REVOKED]}
        kept = [_document(key) for key in wanted if key.name not in forgotten]
        write_private(self.path, (json.dumps({"version": _VERSION, "keys": kept}, indent=2) + "\n").encode())


def _document(key: ClientKey) -> dict[str, Any]:
    return {**asdict(key), "tool_rates": dict(key.tool_rates)}


def _key(entry: dict[str, Any]) -> ClientKey:
    lists = {"scopes": tuple(entry["scopes"]), "tool_rates": tuple(entry["tool_rates"].items())}
    return ClientKey(**{**entry, **lists})

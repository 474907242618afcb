"""Stores of secret values: one protocol, and the two stores that need no service."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from docgenctl.files.private_files import (
    make_private_directory,
    private_directory_exists,
    read_private,
    remove_private,
    write_private,
)
from docgenctl.model.errors import RefusedError
from docgenctl.model.secret import Secret

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}[a-z0-9]", re.ASCII)


class SecretStore(Protocol):
    """Keeps secret values under names of 2 to 64 lower-case letters, digits and hyphens.

    Every method raises RefusedError for any other name.
    """

    def get(self, name: str) -> Secret | None:
        """The value, None when the store has none of that name."""

    def put(self, name: str, secret: Secret) -> None:
        """Keep the value, replacing an older one in one step. Raises RefusedError in a read-only store."""

    def delete(self, name: str) -> None:
        """Forget the value; nothing happens when there is none. Raises RefusedError in a read-only store."""

    def names(self) -> tuple[str, ...]:
        """Names of all values it has, sorted."""


class FileStore:
    """One 0600 file a secret in the 0700 directory `secrets/` below `directory` (which must exist).

    Besides what the protocol says, methods raise RefusedError for links, foreign owners and open modes,
    also (`state_unwritable`) when the disk is full or read-only.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "secrets"

    def get(self, name: str) -> Secret | None:
        """The value, None when there is no such file."""
        path = self._path(name)
        content = read_private(path) if private_directory_exists(self._directory) else None
        return None if content is None else Secret(content)

    def put(self, name: str, secret: Secret) -> None:
        """Write the value's file; the old value stays if that fails."""
        path = self._path(name)
        make_private_directory(self._directory)
        write_private(path, secret.reveal_bytes())

    def delete(self, name: str) -> None:
        """Remove the value's file."""
        path = self._path(name)
        if private_directory_exists(self._directory):
            remove_private(path)

    def names(self) -> tuple[str, ...]:
        """Names of all files that can be secrets."""
        if not private_directory_exists(self._directory):
            return ()
        return tuple(sorted(path.name for path in self._directory.iterdir() if _NAME.fullmatch(path.name)))

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._directory / name


class EnvironmentStore:
    """Reads secrets from variables; `mapping` gives each name its variable.

    White space around a value is dropped (a trailing line end is the usual accident), and a blank
    variable counts as an absent one.
    """

    def __init__(self, environ: Mapping[str, str], mapping: Mapping[str, str]) -> None:
        for name in mapping:
            check_name(name)
        self._environ = environ
        self._mapping = dict(mapping)

    def get(self, name: str) -> Secret | None:
        """The variable's value, None when it is unset or blank."""
        check_name(name)
        variable = self._mapping.get(name)
        value = "" if variable is None else self._environ.get(variable, "").strip()
        return Secret(value) if value else None

    def put(self, name: str, secret: Secret) -> None:  # noqa: ARG002 - the protocol's signature
        """Refuse: variables belong to whoever started us."""
        raise self._read_only(name)

    def delete(self, name: str) -> None:
        """Refuse: variables belong to whoever started us."""
        raise self._read_only(name)

    def names(self) -> tuple[str, ...]:
        """Names whose variables are set and not blank."""
        return tuple(sorted(name for name in self._mapping if self.get(name) is not None))

    def _read_only(self, name: str) -> RefusedError:
        check_name(name)
        return RefusedError(
            f"secret '{name}' comes from the environment, which docgenctl does not change",
            hint=f"Set or unset the variable {self._mapping.get(name, 'of that secret')} yourself.",
        )


def check_name(name: str) -> None:
    """Raises RefusedError unless it is a name that is safe as a file name and as a key of any store."""
    if _NAME.fullmatch(name) is None:
        raise RefusedError(
            f"{name!r} is not a name for a secret",
            hint="Use 2 to 64 lower-case letters, digits and hyphens, such as github-token.",
        )

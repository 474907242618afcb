"""The files of one project's state directory."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.project import Project
from docgenctl.model.secret import Secret
from docgenctl.model.state import State
from docgenctl.state.directory import state_directory
from docgenctl.state.private_file import read_private, write_private

_STATE_FILE = "state.json"
_VERSION = 1
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def open_state(project: Project, environ: Mapping[str, str]) -> "StateStore":
    """The store of a project, its directory made if need be. Raises RefusedError (see state_directory)."""
    return StateStore(state_directory(project, environ))


class StateStore:
    """Reads and writes state.json and files beside it, all 0600 and replaced atomically.

    Names of files are relative, such as `api-key` or `certificates/ca.pem`. Who changes state holds
    `project_lock` meanwhile; readers need no lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> State:
        """The state; an empty one when nothing was written yet.

        Raises ConfigurationError when the file is damaged or of a newer version; it is left as it is.
        """
        path = self.path / _STATE_FILE
        data = read_private(path)
        if data is None:
            return State()
        try:
            state = State.model_validate_json(data)
        except ValidationError:
            raise ConfigurationError(
                f"{path} is damaged and cannot be read",
                hint=f"move it aside: mv {path} {path}.damaged; ports and pins are then chosen anew",
                code="state_damaged",
            ) from None
        if state.version > _VERSION:
            raise ConfigurationError(
                f"{path} was written by a newer docgenctl (layout {state.version})",
                hint="use that version, or a newer one",
                code="state_newer",
            )
        return state

    def write(self, state: State) -> None:
        """Replace the state. Raises RefusedError when it cannot be written; the old one is intact then."""
        write_private(self.path / _STATE_FILE, state.model_dump_json(indent=2).encode() + b"\n")

    def write_secret_file(self, name: str, secret: Secret) -> Path:
        """Write a secret's bytes; the file's path. Raises RefusedError."""
        return self.write_bytes(name, secret.reveal_bytes())

    def write_text(self, name: str, text: str) -> Path:
        """Write text as UTF-8; the file's path. Raises RefusedError."""
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write bytes; the file's path. Raises RefusedError."""
        path = self.file(name)
        self._make_parents(path)
        write_private(path, data)
        return path

    def read_secret_file(self, name: str) -> Secret | None:
        """The secret in a file, None when there is none. Raises RefusedError when others may read it."""
        data = self.read_bytes(name)
        return None if data is None else Secret(data)

    def read_text(self, name: str) -> str | None:
        """The text (UTF-8) of a file, None when there is none. Raises RefusedError, UnicodeDecodeError."""
        data = self.read_bytes(name)
        return None if data is None else data.decode()

    def read_bytes(self, name: str) -> bytes | None:
        """The content of a file, None when there is none. Raises RefusedError."""
        path = self.file(name)
        self._refuse_links_above(path)
        return read_private(path)

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        path = self.file(name)
        self._refuse_links_above(path)
        path.unlink(missing_ok=True)

    def file(self, name: str) -> Path:
        """The path of a file of that name. Raises ValueError for a name that leaves the directory."""
        parts = name.split("/")
        if not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"{name!r} is not the name of a state file")
        return self.path.joinpath(*parts)

    def _make_parents(self, path: Path) -> None:
        for parent in reversed(path.relative_to(self.path).parents[:-1]):
            directory = self.path / parent
            if not directory.is_dir():
                directory.mkdir(mode=0o700)
                directory.chmod(0o700)
        self._refuse_links_above(path)

    def _refuse_links_above(self, path: Path) -> None:
        for parent in path.relative_to(self.path).parents[:-1]:
            directory = self.path / parent
            if directory.is_symlink():
                raise RefusedError(
                    f"{directory} is a link, and nothing is read or written through it",
                    hint=f"rm {directory}",
                )

"""What a project remembers, as one file in its state directory."""

from pathlib import Path

from pydantic import ValidationError

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.errors import ConfigurationError
from docgenctl.model.state import State

_STATE_FILE = "state.json"
_VERSION = 1


class StateStore:
    """Reads and writes state.json, 0600 and replaced atomically, in a project's state directory.

    Who changes state holds `project_lock` meanwhile; readers need no lock.
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

"""That docgen.yaml is docgenctl's own: it was made by adding a server, so it may go with the last of them."""

from pathlib import Path

from docgenctl.files.private_files import remove_private
from docgenctl.state import note_file

_FILE = "made.json"
_LAYOUT = 1


def note_made(state_dir: Path) -> None:
    """Note that docgenctl made docgen.yaml."""
    note_file.leave_note(state_dir / _FILE, _LAYOUT, {})


def was_made(state_dir: Path) -> bool:
    """Whether that was noted; without the state it counts as the user's."""
    return note_file.read_note(state_dir / _FILE, _LAYOUT) is not None


def forget_made(state_dir: Path) -> None:
    """The file is gone; one that comes later is somebody else's. Raises RefusedError."""
    remove_private(state_dir / _FILE)

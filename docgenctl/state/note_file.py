"""Notes that a command leaves for the next one: derived, private, and of no use when anything is wrong.

Whatever is wrong with one (damaged, of another layout, not ours) counts as not there, and one that cannot be
written is not left: the next command then takes the long way.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.errors import RefusedError


def read_note(path: Path, layout: int) -> dict[str, Any] | None:
    """What was noted in this layout, None when there is nothing that can be trusted."""
    try:
        note = json.loads(read_private(path) or b"{}")
    except (RefusedError, ValueError):
        return None
    if not isinstance(note, dict) or note.pop("layout", None) != layout:
        return None
    return note


def leave_note(path: Path, layout: int, note: Mapping[str, Any]) -> None:
    """Leave it for the next command, if that can be done."""
    try:
        write_private(path, json.dumps({"layout": layout, **note}).encode() + b"\n")
    except RefusedError:
        return

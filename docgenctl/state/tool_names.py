"""The names of the tools that the stack offered when they were last listed, for completion.

`tools.json` in the state directory is derived and may be deleted; whatever is wrong with it counts as empty.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.errors import RefusedError

_FILE = "tools.json"


def recall_tool_names(state_dir: Path) -> tuple[str, ...]:
    """The names, sorted; empty when nothing was listed yet."""
    try:
        names = json.loads(read_private(state_dir / _FILE) or b"[]")
    except (RefusedError, ValueError):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def remember_tool_names(state_dir: Path, names: Iterable[str]) -> None:
    """Keep these for the next completion; where they cannot be written, nothing is lost but that."""
    found = tuple(sorted(names))
    if found == recall_tool_names(state_dir):
        return
    try:
        write_private(state_dir / _FILE, json.dumps(found).encode() + b"\n")
    except RefusedError:
        return

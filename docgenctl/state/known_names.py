"""Names that a command came across and that complete the next command line: of tools, of services.

`tools.json` and `services.json` in the state directory are derived and may be deleted; whatever is wrong with
one counts as empty.
"""

import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.errors import RefusedError


class Names(Enum):
    """What is named; the value is the file's name.

    `TOOLS` are those that the stack offered when they were last listed, `SERVICES` those of the stack as it
    was last made or rendered.
    """

    TOOLS = "tools.json"
    SERVICES = "services.json"


def recall_names(state_dir: Path, names: Names) -> tuple[str, ...]:
    """The names, sorted; empty when there were none yet."""
    try:
        found = json.loads(read_private(state_dir / names.value) or b"[]")
    except (RefusedError, ValueError):
        return ()
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def remember_names(state_dir: Path, names: Names, found: Iterable[str]) -> None:
    """Keep these for the next completion; where they cannot be written, nothing is lost but that."""
    wanted = tuple(sorted(found))
    if wanted == recall_names(state_dir, names):
        return
    try:
        write_private(state_dir / names.value, json.dumps(wanted).encode() + b"\n")
    except RefusedError:
        return

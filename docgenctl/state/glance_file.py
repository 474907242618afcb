"""What the last full reading of a project's configuration came to, for commands that need only that.

`glance.json` in the state directory is derived and may be deleted at any time. Whatever is wrong with it
(damaged, of another layout, not ours) counts as not there: the configuration is then read in full.
"""

from dataclasses import dataclass
from pathlib import Path

from docgenctl.state import note_file

_FILE = "glance.json"
_LAYOUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a full reading came to.

    `inputs` is the digest of everything that the rest follows from; `keys` are the settings' key paths,
    `notes` what people should read.
    """

    inputs: str
    name: str
    engine: str
    servers: tuple[str, ...]
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def recall(state_dir: Path) -> Remembered | None:
    """What was remembered, None when there is nothing that can be trusted."""
    note = note_file.read_note(state_dir / _FILE, _LAYOUT)
    if note is None:
        return None
    try:
        lists = {name: tuple(note[name]) for name in ("servers", "keys", "notes")}
        remembered = Remembered(**{**note, **lists})
    except (TypeError, KeyError):
        return None
    words = [remembered.inputs, remembered.name, remembered.engine]
    words += [*remembered.servers, *remembered.keys, *remembered.notes]
    return remembered if all(isinstance(word, str) for word in words) else None


def remember(state_dir: Path, remembered: Remembered) -> None:
    """Keep it for the next command; where that cannot be written, the next command reads in full."""
    note_file.leave_note(
        state_dir / _FILE,
        _LAYOUT,
        {
            "inputs": remembered.inputs,
            "name": remembered.name,
            "engine": remembered.engine,
            "servers": remembered.servers,
            "keys": remembered.keys,
            "notes": remembered.notes,
        },
    )

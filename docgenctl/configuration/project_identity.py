"""Which directory a command is about, and what its stack is called."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl.model.errors import RefusedError
from docgenctl.model.project import Project

if TYPE_CHECKING:
    from docgenctl.model.settings import Settings

CONFIG_FILE = "docgen.yaml"
#: Beside it: what the packages of servers were locked to.
LOCKS_FOLDER = "docgen.lock.d"


def find_project_dir(start: Path) -> Path:
    """The nearest ancestor of `start` (or itself) with docgen.yaml, else the git work tree, else `start`."""
    start = start.absolute()
    around = (start, *start.parents)
    for marker in (CONFIG_FILE, ".git"):
        for directory in around:
            if os.path.lexists(directory / marker):
                return directory
    return start


def identify_project(directory: Path, settings: Settings) -> Project:
    """The project of a directory: the id follows its real path, the name is the configured one or a slug.

    Two clones with the same directory name are two projects, one directory reached by two paths is one.
    Raises RefusedError for a path that is no UTF-8: no file that we render could name it.
    """
    real = Path(os.path.realpath(directory))
    if any("\ud800" <= character <= "\udfff" for character in str(real)):
        raise RefusedError(
            f"the path {str(real)!r} is not UTF-8, and a compose file cannot name it",
            hint="rename the directory, or work in a copy under another name",
        )
    name = settings.project or f"{slug(real.name)}-{_digest(real)[:6]}"
    return Project(name=name, id=project_id(directory), directory=real)


def project_id(directory: Path) -> str:
    """The id of the project of a directory, known before anything is read."""
    return _digest(Path(os.path.realpath(directory)))[:16]


def _digest(real: Path) -> str:
    return hashlib.sha256(os.fsencode(real)).hexdigest()


def slug(text: str) -> str:
    """At most 24 characters of `text` in lower-case ASCII letters, digits and dashes, a letter first."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    if not words:
        return "project"
    return ("p" + words if words[0].isdigit() else words)[:24].rstrip("-")

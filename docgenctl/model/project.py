"""Whose stack it is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A workspace and the stack that belongs to it.

    `id` is stable for a directory (a hash of its real path); `name` is what Compose calls the project.
    """

    name: str
    id: str
    directory: Path

"""The names that a document may mention, because they exist."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Paths of files and directories, public symbols, dependencies, lines that can be typed, versions."""

    paths: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    dependencies: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()

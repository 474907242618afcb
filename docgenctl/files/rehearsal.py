"""Files that are made in memory only: how a plan sees what a command would make, and makes nothing.

A plan has to go the same way as the command it foretells, and that way makes keys, certificates and a state
where there are none, and may change docgen.yaml and the locks beside it. Within `rehearsal()` all writing of
private files and of those goes to a sheet of paper that is thrown away; reading sees it first and the disk
behind it. So there is one way, and no second one that could differ. It holds for the thread that entered it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Rehearsal:
    """What would have been written: contents by path, None for a file that would have been removed."""

    files: dict[Path, bytes | None] = field(default_factory=dict)
    directories: set[Path] = field(default_factory=set)

    def made(self, below: Path) -> tuple[str, ...]:
        """Relative paths of files that are not on the disk and would be made, sorted."""
        return self._written(below, new=True)

    def renewed(self, below: Path) -> tuple[str, ...]:
        """Relative paths of files that would be replaced, sorted."""
        return self._written(below, new=False)

    def _written(self, below: Path, *, new: bool) -> tuple[str, ...]:
        return tuple(
            sorted(
                str(path.relative_to(below))
                for path, content in self.files.items()
                if content is not None and path.is_relative_to(below) and path.exists() is not new
            )
        )


_CURRENT: ContextVar[Rehearsal | None] = ContextVar("rehearsal", default=None)


@contextmanager
def rehearsal() -> Iterator[Rehearsal]:
    """Until left, private files and directories are made in memory only."""
    sheet = Rehearsal()
    token = _CURRENT.set(sheet)
    try:
        yield sheet
    finally:
        _CURRENT.reset(token)


def current_rehearsal() -> Rehearsal | None:
    """The rehearsal that goes on in this thread, None when all is in earnest."""
    return _CURRENT.get()

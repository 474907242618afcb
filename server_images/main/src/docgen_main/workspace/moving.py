"""One move: what forbids it, what it costs, and the rename."""

import errno
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import fsync, stat_result

from docgen_main.workspace.errors import DeniedError, write_failure
from docgen_main.workspace.names import DEPTH, Path, display
from docgen_main.workspace.renaming import rename, rename_new


@dataclass(frozen=True, slots=True)
class Move:
    """From `source`, which is `before`, to `target`, where the plain file `replaced` is, or nothing."""

    source: Path
    target: Path
    before: stat_result
    replaced: stat_result | None

    def check(self, *, overwrite: bool) -> None:
        """Raise `DeniedError` when it may not be made."""
        shown = display(self.source)
        if stat.S_ISLNK(self.before.st_mode):
            raise DeniedError(f"{shown} is a symbolic link; links are not moved", rule="symlink")
        if stat.S_ISREG(self.before.st_mode) and self.before.st_nlink > 1:
            raise DeniedError(f"{shown} has other names (hard links); it is not moved", rule="hardlink")
        if self.target[: len(self.source)] == self.source:
            raise DeniedError(f"{shown} cannot be moved to itself or into itself", rule="special")
        if self.replaced is not None and (not overwrite or stat.S_ISDIR(self.before.st_mode)):
            raise self._exists()

    def sizes(
        self, content: Mapping[Path, int], counted: Callable[[Path], bool]
    ) -> tuple[dict[Path, int], dict[Path, int]]:
        """What will be there and what will be gone, with sizes, as far as it counts against a quota.

        `content` is what moves, by path from `source`. What the user made stays uncounted outside the output
        folder wherever it goes; `counted` says what counts where it is now.
        """
        if max(map(len, content)) + len(self.target) > DEPTH:
            raise DeniedError(
                f"{display(self.target)} would be deeper than {DEPTH} directories", rule="depth"
            )
        gone = {(*self.source, *below): size for below, size in content.items()}
        if self.replaced is not None:
            gone[self.target] = self.replaced.st_size
        new = {
            (*self.target, *below): size
            for below, size in content.items()
            if counted((*self.target, *below)) or counted((*self.source, *below))
        }
        return new, gone

    def carry_out(self, parent: int, there: int) -> None:
        """Rename from directory `parent` to directory `there`."""
        try:
            if self.replaced is None:
                rename_new(parent, self.source[-1], there, self.target[-1])
            else:
                rename(parent, self.source[-1], there, self.target[-1])
            fsync(there)
            fsync(parent)
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            if error.errno == errno.EISDIR:
                raise self._exists() from None
            raise write_failure(display(self.source), error, "moved") from None

    def _exists(self) -> DeniedError:
        return DeniedError(
            f"{display(self.target)} exists: give another name"
            + ("" if stat.S_ISDIR(self.before.st_mode) else ", or overwrite"),
            rule="exists",
        )

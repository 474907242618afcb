"""What a project consists of, file by file, within a budget."""

import hashlib
import time
from collections.abc import Mapping

from docgen_main.facts.budget import Budget
from docgen_main.facts.languages import language_of
from docgen_main.facts.model import Inventory, Skipped, SourceFile
from docgen_main.facts.store import Seen
from docgen_main.facts.walk import reason, walk
from docgen_main.workspace import Entry, Path, Tree, WorkspaceError, display

_SOURCE_BYTES = 1 << 20


def take_inventory(
    tree: Tree, budget: Budget, *, leave_out: Path = (), seen: Mapping[str, Seen] | None = None
) -> tuple[Inventory, dict[str, Seen]]:
    """List the project's files in `tree`, in order of path, without directory `leave_out`.

    Links, special files, unreadable directories and what the budget does not cover are in `skipped`. Files
    that still look as in `seen` are not read again; what they look like now is returned beside.
    """
    look = _Look(tree, budget, seen or {})
    files: list[SourceFile] = []
    skipped: list[Skipped] = []
    for path, entry in walk(tree, skipped.append, leave_out=leave_out):
        if not budget.spend(files=1):
            skipped.append(Skipped(display(path), "beyond the limit of files or time"))
            break
        found = look.at(path, entry)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            files.append(found)
    return Inventory(tuple(files), tuple(skipped)), look.now


class _Look:
    """Looks into files; `now` is what those that were looked into look like."""

    def __init__(self, tree: Tree, budget: Budget, seen: Mapping[str, Seen]) -> None:
        self._tree = tree
        self._budget = budget
        self._seen = seen
        self.now: dict[str, Seen] = {}

    def at(self, path: Path, entry: Entry) -> SourceFile | Skipped:
        """The file at `path`, or why it does not count."""
        shown = display(path)
        if entry.kind == "link":
            return Skipped(shown, "a symbolic link")
        if shown != "/".join(path):
            return Skipped(shown, "its name is not plain text")
        language = language_of(entry.name)
        if language is None or entry.size > _SOURCE_BYTES:
            return SourceFile(shown, entry.size, language)
        try:
            seen = self._inside(path, shown, entry)
        except WorkspaceError as error:
            return Skipped(shown, reason(error))
        return SourceFile(shown, entry.size, language, *((seen.lines, seen.sha256) if seen else ()))

    def _inside(self, path: Path, shown: str, entry: Entry) -> Seen | None:
        """What the file at `entry` holds, read only when it may have changed; None beyond the budget."""
        seen = self._seen.get(shown)
        if seen is None or not seen.is_still(entry):
            if not self._budget.spend(read_bytes=entry.size):
                return None
            begun = time.time_ns()
            content = self._tree.read(path, limit=_SOURCE_BYTES)
            lines = content.count(b"\n") + (content[-1:] not in (b"\n", b""))
            seen = Seen(entry.stamp, begun, hashlib.sha256(content).hexdigest(), lines)
        self.now[shown] = seen
        return seen

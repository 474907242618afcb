"""What a project consists of, file by file, within a budget."""

from docgen_main.facts.budget import Budget
from docgen_main.facts.languages import language_of
from docgen_main.facts.model import Inventory, Skipped, SourceFile
from docgen_main.facts.walk import reason, walk
from docgen_main.workspace import Entry, Path, Tree, WorkspaceError, display

_SOURCE_BYTES = 1 << 20


def take_inventory(tree: Tree, budget: Budget, *, leave_out: Path = ()) -> Inventory:
    """List the project's files in `tree`, in order of path, without directory `leave_out`.

    Links, special files, unreadable directories and what the budget does not cover are in `skipped`.
    """
    files: list[SourceFile] = []
    skipped: list[Skipped] = []
    for path, entry in walk(tree, skipped.append, leave_out=leave_out):
        if not budget.spend(files=1):
            skipped.append(Skipped(display(path), "beyond the limit of files or time"))
            break
        found = _look(tree, budget, path, entry)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            files.append(found)
    return Inventory(tuple(files), tuple(skipped))


def _look(tree: Tree, budget: Budget, path: Path, entry: Entry) -> SourceFile | Skipped:
    shown = display(path)
    if entry.kind == "link":
        return Skipped(shown, "a symbolic link")
    if shown != "/".join(path):
        return Skipped(shown, "its name is not plain text")
    language = language_of(entry.name)
    lines = 0
    if language is not None and entry.size <= _SOURCE_BYTES and budget.spend(read_bytes=entry.size):
        try:
            content = tree.read(path, limit=_SOURCE_BYTES)
        except WorkspaceError as error:
            return Skipped(shown, reason(error))
        lines = content.count(b"\n") + (content[-1:] not in (b"\n", b""))
    return SourceFile(shown, entry.size, language, lines)

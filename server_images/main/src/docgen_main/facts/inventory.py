"""Which files a project consists of: a bounded walk that honours .gitignore."""

from pathspec import GitIgnoreSpec

from docgen_main.facts.budget import Budget
from docgen_main.facts.languages import language_of
from docgen_main.facts.model import Inventory, Skipped, SourceFile
from docgen_main.workspace import Entry, Path, Tree, WorkspaceError, display

#: directories of other people's or generated files, whatever .gitignore says
_FOREIGN_TEXT = """
    node_modules vendor third_party bower_components __pycache__ .venv venv env .tox .nox
    .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache .gradle .idea .vscode dist build target
    out coverage htmlcov .next .nuxt .import_linter_cache site-packages .eggs .docgen
"""
_FOREIGN = frozenset(_FOREIGN_TEXT.split())
#: what docgenctl renders beside docgen.yaml: it tells of the stack that reads the project, not of the project
_RENDERED = frozenset({(".env.mcp",), (".env.mcp.template",), ("docker-compose.mcp.yml",)})
_FOREIGN_ENDINGS = (".egg-info", ".dist-info")
_IGNORE_BYTES = 256 << 10
_IGNORE_LINES = 1_000
_SOURCE_BYTES = 1 << 20
_DEPTH = 40

_Rules = tuple[tuple[Path, GitIgnoreSpec], ...]


def is_foreign(name: str) -> bool:
    """Whether a directory of that name holds what others wrote or tools made."""
    return name in _FOREIGN or name.endswith(_FOREIGN_ENDINGS)


def take_inventory(tree: Tree, budget: Budget, *, leave_out: Path = ()) -> Inventory:
    """List the project's files in `tree`, in order of path, without directory `leave_out`.

    Links, special files, unreadable directories and what the budget does not cover are in `skipped`.
    """
    walk = _Walk(tree, budget, leave_out)
    walk.into((), ())
    return Inventory(tuple(walk.files), tuple(walk.skipped))


class _Walk:
    def __init__(self, tree: Tree, budget: Budget, leave_out: Path) -> None:
        self.tree = tree
        self.budget = budget
        self.leave_out = leave_out
        self.files: list[SourceFile] = []
        self.skipped: list[Skipped] = []

    def into(self, path: Path, rules: _Rules) -> None:
        """Take in directory `path`, to which the ignore rules of the directories above apply."""
        try:
            entries = self.tree.entries(path)
        except WorkspaceError as error:
            self.skipped.append(Skipped(display(path), _reason(error)))
            return
        if any(entry.name == ".gitignore" for entry in entries):
            rules = (*rules, *self._ignore_rules(path))
        for entry in entries:
            here = (*path, entry.name)
            if not self._counts(here, entry, rules):
                continue
            if entry.kind == "directory":
                self.into(here, rules)
            elif not self.budget.spend(files=1):
                self.skipped.append(Skipped(display(path), "beyond the limit of files or time"))
                return
            else:
                self._take(here, entry)

    def _counts(self, path: Path, entry: Entry, rules: _Rules) -> bool:
        if path in (self.leave_out, *_RENDERED) or len(path) > _DEPTH or entry.kind == "other":
            return False
        directory = entry.kind == "directory"
        if directory and is_foreign(entry.name):
            return False
        return not _ignored(path, directory, rules)

    def _take(self, path: Path, entry: Entry) -> None:
        shown = display(path)
        if entry.kind == "link":
            self.skipped.append(Skipped(shown, "a symbolic link"))
            return
        if shown != "/".join(path):
            self.skipped.append(Skipped(shown, "its name is not plain text"))
            return
        language = language_of(entry.name)
        lines = 0
        if language is not None and entry.size <= _SOURCE_BYTES and self.budget.spend(read_bytes=entry.size):
            try:
                content = self.tree.read(path, limit=_SOURCE_BYTES)
            except WorkspaceError as error:
                self.skipped.append(Skipped(shown, _reason(error)))
                return
            lines = content.count(b"\n") + (content[-1:] not in (b"\n", b""))
        self.files.append(SourceFile(shown, entry.size, language, lines))

    def _ignore_rules(self, path: Path) -> _Rules:
        try:
            text = self.tree.read((*path, ".gitignore"), limit=_IGNORE_BYTES).decode(errors="replace")
            return ((path, GitIgnoreSpec.from_lines(_patterns(text))),)
        except (WorkspaceError, ValueError):  # unreadable, or a pattern that git itself would refuse
            return ()


def _patterns(text: str) -> list[str]:
    """The lines of a .gitignore, without those whose matching could take long.

    They become regular expressions that backtrack: each star multiplies the worst case by the length of a
    name.
    """
    cheap = []
    for line in text.splitlines()[:_IGNORE_LINES]:
        doubled = line.count("**")
        if len(line) <= 255 and doubled <= 3 and line.count("*") - 2 * doubled <= 3:
            cheap.append(line)
    return cheap


def _ignored(path: Path, directory: bool, rules: _Rules) -> bool:
    """The deepest .gitignore that has an opinion decides, as in gitignore(5)."""
    for base, spec in reversed(rules):
        relative = "/".join(path[len(base) :]) + ("/" if directory else "")
        verdict = spec.check_file(relative).include
        if verdict is not None:
            return verdict
    return False


def _reason(error: WorkspaceError) -> str:
    return {
        "permission": "not readable by this server's user",
        "hardlink": "has other names (hard links)",
        "symlink": "a symbolic link",
        "size": "too big",
    }.get(error.rule, "could not be read")

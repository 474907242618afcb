"""Which files of a tree belong to its project: a walk that honours .gitignore and a deny list of our own."""

from collections.abc import Callable, Iterator

from pathspec import GitIgnoreSpec

from docgen_main.facts.model import Skipped
from docgen_main.workspace import Entry, Path, Tree, WorkspaceError, display

#: directories of other people's or generated files, whatever .gitignore says
_FOREIGN_TEXT = """
    node_modules vendor third_party bower_components __pycache__ .venv venv env .tox .nox
    .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache .gradle .idea .vscode dist build target
    out coverage htmlcov .next .nuxt .import_linter_cache site-packages .eggs .docgen
"""
_FOREIGN = frozenset(_FOREIGN_TEXT.split())
_FOREIGN_ENDINGS = (".egg-info", ".dist-info")
#: what docgenctl renders beside docgen.yaml: it tells of the stack that reads the project, not of the project
_RENDERED = frozenset({(".env.mcp",), (".env.mcp.template",), ("docker-compose.mcp.yml",)})
_IGNORE_BYTES = 256 << 10
_IGNORE_LINES = 1_000
_DEPTH = 40

_Rules = tuple[tuple[Path, GitIgnoreSpec], ...]
OnSkip = Callable[[Skipped], object]
"""Is told of a directory that could not be read."""


def is_foreign(name: str) -> bool:
    """Whether a directory of that name holds what others wrote or tools made."""
    return name in _FOREIGN or name.endswith(_FOREIGN_ENDINGS)


def walk(tree: Tree, on_skip: OnSkip, *, leave_out: Path = ()) -> Iterator[tuple[Path, Entry]]:
    """Files and links that count, in order of path, without directory `leave_out`.

    No file is read but ignore rules.
    """
    yield from _into(tree, on_skip, leave_out, (), ())


def reason(error: WorkspaceError) -> str:
    """Why something was skipped, for readers of a document."""
    return {
        "permission": "not readable by this server's user",
        "hardlink": "has other names (hard links)",
        "symlink": "a symbolic link",
        "size": "too big",
    }.get(error.rule, "could not be read")


def _into(
    tree: Tree, on_skip: OnSkip, leave_out: Path, path: Path, rules: _Rules
) -> Iterator[tuple[Path, Entry]]:
    try:
        entries = tree.entries(path)
    except WorkspaceError as error:
        on_skip(Skipped(display(path), reason(error)))
        return
    if any(entry.name == ".gitignore" for entry in entries):
        rules = (*rules, *_ignore_rules(tree, path))
    for entry in entries:
        here = (*path, entry.name)
        if here == leave_out or not _counts(here, entry, rules):
            continue
        if entry.kind == "directory":
            yield from _into(tree, on_skip, leave_out, here, rules)
        else:
            yield here, entry


def _counts(path: Path, entry: Entry, rules: _Rules) -> bool:
    if path in _RENDERED or len(path) > _DEPTH or entry.kind == "other":
        return False
    directory = entry.kind == "directory"
    if directory and is_foreign(entry.name):
        return False
    return not _ignored(path, directory, rules)


def _ignore_rules(tree: Tree, path: Path) -> _Rules:
    try:
        text = tree.read((*path, ".gitignore"), limit=_IGNORE_BYTES).decode(errors="replace")
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

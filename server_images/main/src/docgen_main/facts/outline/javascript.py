"""Modules of JavaScript and TypeScript: exports, imports, documentation."""

import posixpath
import re
from typing import TYPE_CHECKING

from docgen_main.facts.model import Module
from docgen_main.facts.outline.comments import plain
from docgen_main.facts.outline.javascript_exports import exports
from docgen_main.facts.outline.syntax import Source, children, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPESCRIPT = ("ts", "mts", "cts", "tsx")
_CALL = re.compile(r"""\b(?:require|import)\(\s{0,9}["']([^"'\n]{1,300})["']\s{0,9}\)""")


def outline(path: str, text: str, test: bool) -> Module | None:
    """The module at `path`: its exports in order, and the paths or packages it imports.

    None when it cannot be parsed within the limits.
    """
    directory, _, name = path.rpartition("/")
    suffix = name.rsplit(".", 1)[-1]
    typescript = suffix in _TYPESCRIPT
    if typescript:
        grammar = "language_tsx" if suffix == "tsx" else "language_typescript"
        source = parse(text, "tree_sitter_typescript", grammar)
    else:
        source = parse(text, "tree_sitter_javascript")
    if source is None:
        return None
    return Module(
        path=path,
        name=path,
        component=directory or name,
        language="TypeScript" if typescript else "JavaScript",
        doc=_file_doc(source),
        symbols=() if test else exports(source),
        imports=tuple(sorted(_imports(directory, source))),
        runs=text.startswith("#!"),
        test=test,
    )


def _imports(directory: str, source: Source) -> set[str]:
    """Relative imports as paths, others as they are; those in comments and strings do not count."""
    found = set()
    for statement in children(source.root, "import_statement", "export_statement"):
        found.add(source.text(statement.child_by_field_name("source"))[1:-1])
    for statement in children(source.root):
        found.update(_calls(source, statement))
    return {_resolved(directory, target) for target in found if target}


def _calls(source: Source, statement: "Node") -> set[str]:
    """Modules that calls of `require` and `import` in `statement` name."""
    if statement.type.endswith("comment"):
        return set()
    text = source.text(statement)
    found = set()
    for match in _CALL.finditer(text):
        position = statement.start_byte + len(text[: match.start()].encode())
        here = source.root.descendant_for_byte_range(position, position)
        if here is not None and here.type in ("identifier", "import", "require"):
            found.add(match[1])
    return found


def _resolved(directory: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(directory, target)) if target.startswith(".") else target


def _file_doc(source: Source) -> str:
    """The documentation of the file: a first block that a blank line parts from the code, or has `@file`."""
    first = next((node for node in children(source.root) if node.type != "hash_bang_line"), None)
    text = source.text(first)
    if first is None or not text.startswith("/**"):
        return ""
    last = first.end_point.row
    alone = last + 1 >= len(source.lines) or not source.lines[last + 1].strip()
    tagged = re.search(r"@(?:file|fileoverview|module|packageDocumentation)\b[ \t]*([^\n*]*)", text)
    if tagged:
        return plain(text) or tagged[1].strip()
    return plain(text) if alone else ""

"""Exported names of Go packages, a file at a time."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.syntax import Source, before, children, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_IMPORTS = re.compile(r'"([^"\n]{1,300})"')


def outline(path: str, text: str, test: bool) -> Module | None:
    """The file at `path`: exported names of its package (none for a program), and the packages it imports.

    None when it cannot be parsed within the limits.
    """
    source = parse(text, "tree_sitter_go")
    if source is None:
        return None
    clause = next(children(source.root, "package_clause"), None)
    package = source.text(next(children(clause), None))
    program = package == "main"
    directory = path.rpartition("/")[0]
    imports = (source.text(node) for node in children(source.root, "import_declaration"))
    return Module(
        path=path,
        name=directory or package or path,
        component=directory or package or path,
        language="Go",
        doc=source.doc(clause) if clause else "",
        symbols=() if test or program else tuple(_symbols(source)),
        imports=tuple(sorted({match[1] for text in imports for match in _IMPORTS.finditer(text)})),
        runs=program and _has_main(source),
        test=test,
    )


def _has_main(source: Source) -> bool:
    functions = children(source.root, "function_declaration")
    return any(source.text(node.child_by_field_name("name")) == "main" for node in functions)


def _symbols(source: Source) -> Iterator[Symbol]:
    for node in children(source.root):
        match node.type:
            case "function_declaration" | "method_declaration":
                yield from _function(source, node)
            case "type_declaration":
                yield from _types(source, node)
            case "const_declaration" | "var_declaration":
                yield from _values(source, node)


def _function(source: Source, node: "Node") -> Iterator[Symbol]:
    name = source.text(node.child_by_field_name("name"))
    receiver = re.search(r"(\w+)\s*(?:\[[^\]]*\])?\s*\)$", source.text(node.child_by_field_name("receiver")))
    owner = receiver[1] if receiver else ""
    if not _exported(name) or (owner and not _exported(owner)):
        return  # a method of a type that nobody outside can name counts as hidden
    head = source.head(node, before(node.child_by_field_name("body")))
    whole = f"{owner}.{name}" if owner else name
    yield _symbol(source, whole, "method" if owner else "function", head, node)


def _types(source: Source, node: "Node") -> Iterator[Symbol]:
    for spec in children(node, "type_spec", "type_alias"):
        name, kind = source.text(spec.child_by_field_name("name")), spec.child_by_field_name("type")
        if not _exported(name):
            continue
        block = _block(kind)
        head = "type " + source.head(spec, before(block))
        if kind is not None and kind.type == "interface_type":
            head = "type " + source.head(spec, kind.start_byte) + " interface"
        yield _symbol(source, name, "type", head, _statement(node, spec), _members(source, kind, block))


def _block(kind: "Node | None") -> "Node | None":
    return next(children(kind, "field_declaration_list"), None)


def _members(source: Source, kind: "Node | None", block: "Node | None") -> tuple[Symbol, ...]:
    """Exported fields of a struct, exported methods of an interface."""
    found = []
    for field in children(block, "field_declaration"):
        found += [
            _symbol(source, source.text(named), "field", _field(source, field, named), field)
            for named in field.children_by_field_name("name")
        ]
    if kind is not None and kind.type == "interface_type":
        for method in children(kind, "method_elem"):
            name = source.text(method.child_by_field_name("name"))
            found.append(_symbol(source, name, "method", source.head(method), method))
    return tuple(symbol for symbol in found if _exported(symbol.name))


def _field(source: Source, field: "Node", named: "Node") -> str:
    return f"{source.text(named)} {source.text(field.child_by_field_name('type'))}"


def _values(source: Source, node: "Node") -> Iterator[Symbol]:
    word = source.text(node.children[0])
    specs = [*children(node, "const_spec", "var_spec")]
    for group in children(node, "var_spec_list"):
        specs += children(group, "var_spec")
    for spec in specs:
        kind = spec.child_by_field_name("type")
        for named in spec.children_by_field_name("name"):
            name = source.text(named)
            if _exported(name):
                head = f"{word} {name} {source.text(kind)}".rstrip()
                yield _symbol(source, name, "value", head, _statement(node, spec))


def _statement(node: "Node", spec: "Node") -> "Node":
    """The node below the documentation: the declaration, or one line of a group in brackets."""
    return spec if spec.start_point.row > node.start_point.row else node


def _exported(name: str) -> bool:
    return name[:1].isupper()


def _symbol(
    source: Source, name: str, kind: str, head: str, node: "Node", members: tuple[Symbol, ...] = ()
) -> Symbol:
    return Symbol(name, kind, head, source.doc(node), node.start_point.row + 1, members)

"""Public types of Java files, with what their users and subclasses may call."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.syntax import Source, before, children, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPES = {
    "class_declaration": "class",
    "interface_declaration": "interface",
    "enum_declaration": "enum",
    "record_declaration": "record",
    "annotation_type_declaration": "@interface",
}
_MEMBERS = {
    "method_declaration": "method",
    "constructor_declaration": "constructor",
    "field_declaration": "field",
    "constant_declaration": "field",
    "annotation_type_element_declaration": "method",
}
_OPEN = ("interface_declaration", "annotation_type_declaration")
_DEPTH = 4


def outline(path: str, text: str, test: bool) -> Module | None:
    """The file at `path`: its public types and those within them, and the packages it imports from.

    None when it cannot be parsed within the limits.
    """
    source = parse(text, "tree_sitter_java")
    if source is None:
        return None
    declared = next(children(source.root, "package_declaration"), None)
    package = source.text(next(children(declared, "scoped_identifier", "identifier"), None))
    directory = path.rpartition("/")[0]
    types = [s for node in children(source.root, *_TYPES) for s in _type(source, node, "", inherited=False)]
    return Module(
        path=path,
        name=package or path,
        component=package or directory or path,
        language="Java",
        doc="",
        symbols=() if test else tuple(types),
        imports=tuple(sorted(_imports(source))),
        runs=any(symbol.signature.startswith(_MAIN) for s in types for symbol in s.members),
        test=test,
    )


_MAIN = "public static void main("


def _imports(source: Source) -> Iterator[str]:
    found = set()
    for node in children(source.root, "import_declaration"):
        name = source.text(next(children(node, "scoped_identifier", "identifier"), None))
        found.add(name if any(children(node, "asterisk")) else name.rpartition(".")[0])
    yield from found - {""}


def _type(source: Source, node: "Node", outer: str, *, inherited: bool) -> Iterator[Symbol]:
    """The symbol of a type that others can use, and those of the types within it."""
    if not (inherited or _usable(source, node)) or outer.count(".") > _DEPTH:
        return
    name = outer + source.text(node.child_by_field_name("name"))
    body = node.child_by_field_name("body")
    open_to_all = node.type in _OPEN
    members = [s for item in _items(body) for s in _member(source, item, inherited=open_to_all)]
    yield Symbol(
        name,
        _TYPES[node.type],
        _head(source, node, before(body)),
        source.doc(node, ""),
        node.start_point.row + 1,
        tuple(members),
    )
    for item in _items(body):
        if item.type in _TYPES:
            yield from _type(source, item, f"{name}.", inherited=open_to_all)


def _items(body: "Node | None") -> Iterator["Node"]:
    """What stands in the body of a type; after the constants of an enumeration follows a list of its own."""
    for item in children(body):
        if item.type == "enum_body_declarations":
            yield from children(item)
        else:
            yield item


def _usable(source: Source, node: "Node") -> bool:
    words = source.text(next(children(node, "modifiers"), None)).split()
    return "public" in words or "protected" in words


def _member(source: Source, item: "Node", *, inherited: bool) -> Iterator[Symbol]:
    doc, line = source.doc(item, ""), item.start_point.row + 1
    if item.type == "enum_constant":
        name = source.text(item.child_by_field_name("name"))
        yield Symbol(name, "constant", name, doc, line)
    elif item.type in _MEMBERS and (inherited or _usable(source, item)):
        for named in item.children_by_field_name("declarator") or [item]:
            said = named.child_by_field_name("name")
            whole = named == item
            end = before(item.child_by_field_name("body")) if whole or said is None else said.end_byte
            yield Symbol(source.text(said), _MEMBERS[item.type], _head(source, item, end), doc, line)


def _head(source: Source, node: "Node", end: int) -> str:
    """A declaration without its annotations and body."""
    modifiers = next(children(node, "modifiers"), None)
    annotations = list(children(modifiers, "annotation", "marker_annotation"))
    head = source.head(node, end)
    for annotation in annotations:
        head = head.replace(source.flat(annotation), "", 1)
    return " ".join(head.split())

"""Symbols for the declarations of JavaScript and TypeScript: their kinds, signatures and members."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from docgen_main.facts.model import Symbol
from docgen_main.facts.outline.comments import is_hidden
from docgen_main.facts.outline.syntax import Source, before, children

if TYPE_CHECKING:
    from tree_sitter import Node

_KINDS = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "function_signature": "function",
    "class_declaration": "class",
    "abstract_class_declaration": "class",
    "class": "class",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
    "internal_module": "namespace",
    "module": "namespace",
}
_FUNCTIONS = ("arrow_function", "function_expression", "generator_function", "function")
_MEMBERS = {
    "method_definition": "method",
    "method_signature": "method",
    "abstract_method_signature": "method",
    "public_field_definition": "property",
    "field_definition": "property",
    "property_signature": "property",
    "enum_assignment": "member",
    "property_identifier": "member",
}


def declared(source: Source, node: "Node", outer: "Node") -> Iterator[Symbol]:
    """The symbols that `node` declares; `outer` is the statement it stands in, below its documentation."""
    if is_hidden(source.lines, outer.start_point.row):
        return
    if node.type in ("lexical_declaration", "variable_declaration"):
        for declarator in children(node, "variable_declarator"):
            yield from _variable(source, node, declarator, outer)
    elif node.type in _KINDS:
        named = node.child_by_field_name("name")
        if named is not None and named.type != "string":
            yield named_declaration(source, node, outer, source.text(named))


def named_declaration(source: Source, node: "Node", outer: "Node", name: str) -> Symbol:
    """The symbol of a function, class, interface, type, enum or namespace that is called `name`."""
    body = node.child_by_field_name("body")
    return Symbol(
        name,
        _KINDS.get(node.type, "function"),
        source.head(node, before(body)),
        source.doc(outer, ""),
        outer.start_point.row + 1,
        members=members(source, body),
    )


def _variable(source: Source, node: "Node", declarator: "Node", outer: "Node") -> Iterator[Symbol]:
    named, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
    if named is None:
        return
    word = source.text(node.children[0])
    kind = "constant" if word == "const" else "variable"
    doc, line = source.doc(outer, ""), declarator.start_point.row + 1
    if named.type != "identifier":  # const { a, b: c } = …
        for name in _bound(source, named):
            yield Symbol(name, kind, f"{word} {name}", doc, line)
        return
    if value is not None and value.type in _FUNCTIONS:
        kind = "function"
    elif value is not None and value.type == "class":
        kind = "class"
    annotation = declarator.child_by_field_name("type")
    end = (annotation or head_end(value) or named).end_byte
    body = value.child_by_field_name("body") if value is not None and kind == "class" else None
    shown = "" if annotation is not None else arrow(value)
    signature = f"{word} {source.head(declarator, end)}{shown}"
    yield Symbol(source.text(named), kind, signature, doc, line, members(source, body))


def head_end(value: "Node | None") -> "Node | None":
    """The last node of the head of a function that is a value; None for every other value."""
    if value is None or value.type not in _FUNCTIONS:
        return None
    fields = (value.child_by_field_name(name) for name in ("return_type", "parameters", "parameter"))
    return next((node for node in fields if node is not None), None)


def arrow(value: "Node | None") -> str:
    """What shows in a signature that a value is an arrow function: its body is left out."""
    return " => …" if value is not None and value.type == "arrow_function" else ""


def _bound(source: Source, pattern: "Node") -> Iterator[str]:
    """The names that a flat destructuring pattern binds."""
    for item in children(pattern):
        if item.type in ("shorthand_property_identifier_pattern", "identifier"):
            yield source.text(item)
        elif item.type == "pair_pattern":
            value = item.child_by_field_name("value")
            if value is not None and value.type == "identifier":
                yield source.text(value)


def members(source: Source, body: "Node | None") -> tuple[Symbol, ...]:
    """Public members of a class, interface, enum or namespace, each name once."""
    found: dict[str, Symbol] = {}
    for item in children(body):
        if item.type == "export_statement":
            for symbol in (s for inner in children(item) for s in declared(source, inner, item)):
                found.setdefault(symbol.name, symbol)
        elif item.type in _MEMBERS and not _is_private(source, item):
            for symbol in _member(source, item):
                found[symbol.name] = overloaded(found.get(symbol.name), symbol, item)
    return tuple(found.values())


def overloaded(before: Symbol | None, symbol: Symbol, node: "Node") -> Symbol:
    """One symbol for the overloads of a function; the body that serves them all is none of them.

    Of other things that share a name, as a getter and its setter, the first one counts.
    """
    if before is None:
        return symbol
    if before.kind != symbol.kind or symbol.kind not in ("function", "method"):
        return before
    if node.child_by_field_name("body") is not None:
        return before
    signature = f"{before.signature}\n{symbol.signature}"
    return replace(before, signature=signature, doc=before.doc or symbol.doc)


def _is_private(source: Source, item: "Node") -> bool:
    access = next(children(item, "accessibility_modifier"), None)
    hidden = access is not None and source.text(access) in ("private", "protected")
    return hidden or is_hidden(source.lines, item.start_point.row)


def _member(source: Source, item: "Node") -> Iterator[Symbol]:
    named = item.child_by_field_name("name") or item.child_by_field_name("property") or item
    name = source.text(named)
    if named.type != "property_identifier" or name.startswith("_"):
        return
    if name == "constructor":
        yield from _parameter_properties(source, item)
    end = item.child_by_field_name("type") or (None if _MEMBERS[item.type] == "method" else named)
    function = head_end(item.child_by_field_name("value"))
    last = end.end_byte if end else before(item.child_by_field_name("body"))
    shown = ""
    if function is not None and item.child_by_field_name("type") is None:
        last, shown = function.end_byte, arrow(item.child_by_field_name("value"))
    doc = "" if _shares_line(source, item) else source.doc(item, "")
    yield Symbol(name, _MEMBERS[item.type], source.head(item, last) + shown, doc, _line(item))


def _shares_line(source: Source, item: "Node") -> bool:
    """Whether something else that a comment above would be about begins on the line of `item`."""
    start = item.start_byte
    before_it = source.content[start - item.start_point.column : start].rstrip()
    return before_it.endswith((b"{", b";", b","))


def _parameter_properties(source: Source, constructor: "Node") -> Iterator[Symbol]:
    """Parameters like `readonly name: string`, by which a constructor declares properties."""
    for parameter in children(constructor.child_by_field_name("parameters"), "required_parameter"):
        pattern = parameter.child_by_field_name("pattern")
        access = next(children(parameter, "accessibility_modifier"), None)
        declares = access is not None or any(child.type == "readonly" for child in parameter.children)
        if declares and pattern is not None and source.text(access) not in ("private", "protected"):
            yield Symbol(source.text(pattern), "property", source.head(parameter), "", _line(parameter))


def _line(node: "Node") -> int:
    return int(node.start_point.row) + 1

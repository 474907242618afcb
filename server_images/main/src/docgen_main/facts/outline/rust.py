"""Public items of Rust modules."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.syntax import Source, before, children, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_ITEMS = {
    "function_item": "function",
    "function_signature_item": "function",
    "struct_item": "struct",
    "union_item": "union",
    "enum_item": "enum",
    "trait_item": "trait",
    "type_item": "type",
    "associated_type": "type",
    "const_item": "constant",
    "static_item": "static",
    "mod_item": "module",
}
_OWN = re.compile(r"\bcrate::([a-z_]\w{0,100})")
_VALUES = ("const_item", "static_item")
_DEPTH = 4


def outline(path: str, text: str, test: bool) -> Module | None:
    """The file at `path`: its `pub` items with their methods, and the crate's own modules that it uses.

    None when it cannot be parsed within the limits.
    """
    source = parse(text, "tree_sitter_rust")
    if source is None:
        return None
    directory, _, name = path.rpartition("/")
    inner = [line.strip()[3:].strip() for line in source.lines[:40] if line.startswith("//!")]
    uses = (source.text(node) for node in children(source.root, "use_declaration"))
    return Module(
        path=path,
        name=path,
        component=directory or name,
        language="Rust",
        doc="\n".join(inner),
        symbols=() if test else tuple(_items(source, source.root, "")),
        imports=tuple(sorted({f"crate::{match[1]}" for text in uses for match in _OWN.finditer(text)})),
        runs=name == "main.rs" or "/src/bin/" in f"/{path}",
        test=test,
    )


def _items(source: Source, body: "Node | None", prefix: str) -> Iterator[Symbol]:
    """Public items in `body`, those of public inline modules included, methods with their types."""
    methods = _methods(source, body)
    for node in children(body):
        if node.type == "use_declaration" and _is_public(source, node):
            yield from _handed_on(source, node)
        elif node.type == "macro_definition" and "#[macro_export]" in _attributes(source, node):
            name = source.text(node.child_by_field_name("name"))
            yield Symbol(f"{name}!", "macro", f"macro_rules! {name}", _doc(source, node), _line(node))
        elif (
            node.type in _ITEMS and _is_public(source, node) and "cfg(test)" not in _attributes(source, node)
        ):
            name = source.text(node.child_by_field_name("name"))
            own = (*_parts(source, node), *methods.get(name, ()))
            yield _item(source, node, prefix + name, own)
            if node.type == "mod_item" and prefix.count("::") < _DEPTH:
                yield from _items(source, node.child_by_field_name("body"), f"{prefix}{name}::")


def _item(source: Source, node: "Node", name: str, members: tuple[Symbol, ...] = ()) -> Symbol:
    body = node.child_by_field_name("body") or node.child_by_field_name("value")
    tuple_like = body is not None and body.type == "ordered_field_declaration_list"
    head = source.head(node, 0 if tuple_like else before(body))
    head = head.removesuffix("=").rstrip() if node.type in _VALUES else head
    return Symbol(name, _ITEMS[node.type], head, _doc(source, node), _line(node), members)


def _methods(source: Source, body: "Node | None") -> dict[str, list[Symbol]]:
    """Public functions and constants of the `impl` blocks in `body`, by the name of the type."""
    found: dict[str, list[Symbol]] = {}
    for block in children(body, "impl_item"):
        if block.child_by_field_name("trait") is not None:
            continue  # what a trait asks for is documented at the trait
        owner = re.match(r"\w+", source.text(block.child_by_field_name("type")))
        for node in children(block.child_by_field_name("body"), *_ITEMS):
            if owner and _is_public(source, node):
                name = source.text(node.child_by_field_name("name"))
                found.setdefault(owner[0], []).append(_item(source, node, name))
    return found


def _parts(source: Source, node: "Node") -> Iterator[Symbol]:
    """Public fields, variants, and everything that a trait asks for."""
    body = node.child_by_field_name("body")
    for part in children(body, "field_declaration", "enum_variant"):
        if part.type == "enum_variant" or _is_public(source, part):
            name = source.text(part.child_by_field_name("name"))
            kind = "field" if part.type == "field_declaration" else "variant"
            yield Symbol(name, kind, source.head(part), _doc(source, part), _line(part))
    if node.type == "trait_item":
        for part in children(body, *_ITEMS):
            yield _item(source, part, source.text(part.child_by_field_name("name")))


def _handed_on(source: Source, node: "Node") -> Iterator[Symbol]:
    """The names of a `pub use`; those of a glob are not known from this file."""
    argument = node.child_by_field_name("argument")
    waiting = [("", argument)] if argument is not None else []
    while waiting:
        path, here = waiting.pop(0)
        if here.type == "scoped_use_list":
            inner = path + source.text(here.child_by_field_name("path")) + "::"
            waiting += [(inner, item) for item in children(here.child_by_field_name("list"))]
        elif here.type == "use_list":
            waiting += [(path, item) for item in children(here)]
        elif here.type == "use_as_clause":
            alias = source.text(here.child_by_field_name("alias"))
            whole = path + source.text(here.child_by_field_name("path"))
            yield _use(f"{whole} as {alias}", alias, whole, node)
        elif here.type in ("identifier", "scoped_identifier"):
            whole = path + source.text(here)
            yield _use(whole, whole.rpartition("::")[2], whole, node)


def _use(text: str, name: str, whole: str, node: "Node") -> Symbol:
    module, _, original = whole.rpartition("::")
    return Symbol(name, "re-export", f"pub use {text}", "", _line(node), origin=f"{module}#{original}")


def _is_public(source: Source, node: "Node") -> bool:
    return source.text(next(children(node, "visibility_modifier"), None)) == "pub"


def _attributes(source: Source, node: "Node") -> str:
    found, above = "", node.prev_named_sibling
    while above is not None and above.type in ("attribute_item", "line_comment"):
        found += source.text(above) if above.type == "attribute_item" else ""
        above = above.prev_named_sibling
    return found


def _doc(source: Source, node: "Node") -> str:
    return source.doc(node, "///")


def _line(node: "Node") -> int:
    return int(node.start_point.row) + 1

"""What a JavaScript or TypeScript module exports: by `export`, by `module.exports`, or as a `.d.ts` file."""

from dataclasses import replace
from typing import TYPE_CHECKING

from docgen_main.facts.model import Symbol
from docgen_main.facts.outline.comments import is_hidden
from docgen_main.facts.outline.javascript_declarations import (
    arrow,
    declared,
    head_end,
    members,
    named_declaration,
    overloaded,
)
from docgen_main.facts.outline.syntax import Source, children

if TYPE_CHECKING:
    from tree_sitter import Node

_UNNAMED = ("class", "function_expression", "generator_function", "arrow_function")


def exports(source: Source) -> tuple[Symbol, ...]:
    """The module's exports in the order of the file, each name once."""
    found = _Exports(source)
    for statement in children(source.root):
        if statement.type == "export_statement":
            found.from_statement(statement)
        elif statement.type == "expression_statement":
            found.from_assignment(statement)
    return tuple(found.symbols.values())


class _Exports:
    """Exports found so far; `local` are the module's own declarations, which most exports name."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.symbols: dict[str, Symbol] = {}
        self.local: dict[str, Symbol] = {}
        self.imported = _imported(source)
        for statement in children(source.root):
            node = _declaration(statement)
            if node is not None:
                for symbol in declared(source, node, statement):
                    self.local[symbol.name] = _merged(self.local.get(symbol.name), symbol, node)

    def add(self, symbol: Symbol) -> None:
        """Take in one export; what was exported by that name before stays."""
        if symbol.name:
            self.symbols.setdefault(symbol.name, symbol)

    def from_statement(self, statement: "Node") -> None:
        """Take in what one `export …` names."""
        origin = _string(self.source, statement.child_by_field_name("source"))
        declaration = statement.child_by_field_name("declaration")
        if declaration is not None:
            prefix = "export default " if _is_default(statement) else ""
            node = _declaration(statement)
            for symbol in declared(self.source, node, statement) if node is not None else ():
                self.add(_prefixed(self.local[symbol.name], prefix))
            return
        for clause in children(statement, "export_clause"):
            self._from_clause(clause, origin)
        if origin and not any(children(statement, "export_clause")):
            self._all_of(statement, origin)
        elif _is_default(statement) or any(child.type == "=" for child in statement.children):
            self._from_value(statement, next(children(statement), None))

    def _from_clause(self, clause: "Node", origin: str) -> None:
        for item in children(clause, "export_specifier"):
            name = self.source.text(item.child_by_field_name("name"))
            alias = self.source.text(item.child_by_field_name("alias")) or name
            if origin:
                self.add(self._handed_on(item, alias, origin, name))
            elif name in self.local:
                self.add(replace(self.local[name], name=alias))
            elif name in self.imported:
                self.add(self._handed_on(item, alias, *self.imported[name]))
            else:
                self.add(Symbol(alias, "export", self.source.head(item), "", item.start_point.row + 1))

    def _all_of(self, statement: "Node", origin: str) -> None:
        for namespace in children(statement, "namespace_export"):
            name = self.source.text(next(children(namespace), None))
            self.add(self._handed_on(statement, name, origin, "*"))
            return
        self.add(self._handed_on(statement, f'* from "{origin}"', origin, "*"))

    def _handed_on(self, node: "Node", name: str, origin: str, original: str) -> Symbol:
        what = original if original == name else f"{original} as {name}"
        text = f"export {name}" if name.startswith("*") else f'export {{ {what} }} from "{origin}"'
        if original == "*" and not name.startswith("*"):
            text = f'export * as {name} from "{origin}"'
        return Symbol(name, "re-export", text, "", node.start_point.row + 1, origin=f"{origin}#{original}")

    def _from_value(self, statement: "Node", value: "Node | None", name: str = "default") -> None:
        """Take in `export default …`, `export = …` or `exports.name = …`."""
        if value is None or is_hidden(self.source.lines, statement.start_point.row):
            return
        text = self.source.text(value)
        if value.type in ("identifier", "shorthand_property_identifier") and text in self.local:
            self.add(self._named(self.local[text], name))
            return
        if value.type in _UNNAMED:
            end = head_end(value) or value.child_by_field_name("body") or value
            last = end.end_byte if head_end(value) else end.start_byte
            made = named_declaration(self.source, value, statement, name)
            kind = "class" if value.type == "class" else "function"
            self.add(replace(made, kind=kind, signature=self.source.head(statement, last) + arrow(value)))
            return
        signature = f"export default {text}" if name == "default" else name
        signature = signature if value.type == "identifier" or name != "default" else f"export {name}"
        doc, line = self.source.doc(statement, ""), statement.start_point.row + 1
        body = value if value.type == "object" else None
        self.add(Symbol(name, "value", signature, doc, line, members(self.source, body)))

    def _named(self, own: Symbol, name: str) -> Symbol:
        """A declaration of this module that is exported as `name`."""
        if name != "default":
            return replace(own, name=name)
        if own.name in self.symbols:
            return Symbol(name, "export", f"export default {own.name}", "", own.line)
        if own.kind in ("constant", "variable"):
            return replace(own, name=name)
        return replace(own, signature=f"export default {own.signature}")

    def from_assignment(self, statement: "Node") -> None:
        """Take in `module.exports = …` and `exports.name = …`, chains of them included."""
        assignment = next(children(statement, "assignment_expression"), None)
        names = []
        value: Node | None = None
        while assignment is not None:
            names.append(self.source.text(assignment.child_by_field_name("left")))
            value = assignment.child_by_field_name("right")
            assignment = value if value is not None and value.type == "assignment_expression" else None
        for target in names:
            if target == "module.exports":
                self._whole(statement, value)
            elif target.startswith(("exports.", "module.exports.")):
                self._from_value(statement, value, target.rpartition(".")[2])

    def _whole(self, statement: "Node", value: "Node | None") -> None:
        """Take in what `module.exports` is set to: an object's keys, another module, or one value."""
        if value is None:
            return
        origin = _required(self.source, value)
        if origin:
            self.add(self._handed_on(statement, f'* from "{origin}"', origin, "*"))
        elif value.type == "object":
            for item in children(value):
                self._key(item)
        elif value.type != "identifier" or self.source.text(value) in self.local:
            self._from_value(statement, value)

    def _key(self, item: "Node") -> None:
        if item.type == "shorthand_property_identifier":
            self._from_value(item, item, self.source.text(item))
        elif item.type == "method_definition":
            name = self.source.text(item.child_by_field_name("name"))
            self.add(named_declaration(self.source, item, item, name))
        elif item.type == "pair":
            key, value = item.child_by_field_name("key"), item.child_by_field_name("value")
            if key is not None and key.type == "property_identifier":
                self._from_value(item, value, self.source.text(key))


def _declaration(statement: "Node") -> "Node | None":
    """What a statement of the top level declares, whether it exports it or not."""
    inner: Node | None = statement
    while inner is not None and inner.type in ("export_statement", "ambient_declaration"):
        declared_there = inner.child_by_field_name("declaration")
        ambient = inner.type == "ambient_declaration"
        inner = declared_there or (next(children(inner), None) if ambient else None)
    return inner


def _imported(source: Source) -> dict[str, tuple[str, str]]:
    """Imported names: the module they come from and what they are called there."""
    found = {}
    for statement in children(source.root, "import_statement"):
        origin = _string(source, statement.child_by_field_name("source"))
        for clause in children(statement, "import_clause"):
            for item in children(clause):
                if item.type == "identifier":
                    found[source.text(item)] = (origin, "default")
                elif item.type == "namespace_import":
                    found[source.text(next(children(item), None))] = (origin, "*")
                for name in children(item, "import_specifier"):
                    original = source.text(name.child_by_field_name("name"))
                    found[source.text(name.child_by_field_name("alias")) or original] = (origin, original)
    return found


def _merged(before: Symbol | None, symbol: Symbol, node: "Node") -> Symbol:
    """Overloads as one symbol; of a type and a value that share a name, the one with members."""
    if before is None or before.kind == symbol.kind:
        return overloaded(before, symbol, node)
    return before if before.members or not symbol.members else symbol


def _prefixed(symbol: Symbol, prefix: str) -> Symbol:
    return replace(symbol, signature=prefix + symbol.signature) if prefix else symbol


def _is_default(statement: "Node") -> bool:
    return any(child.type == "default" for child in statement.children)


def _string(source: Source, node: "Node | None") -> str:
    return source.text(node)[1:-1] if node is not None and node.type == "string" else ""


def _required(source: Source, value: "Node") -> str:
    """The module of `require("…")`, or ""."""
    if value.type != "call_expression" or source.text(value.child_by_field_name("function")) != "require":
        return ""
    return _string(source, next(children(value.child_by_field_name("arguments")), None))

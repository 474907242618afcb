"""What a Python syntax tree says about a module's borders: what it imports, passes on and declares public."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docgen_main.facts.python_names import PythonNames

_EXPORTS_MOST = 5_000
_TELLING = (ast.Import, ast.ImportFrom, ast.Call, ast.Subscript, ast.FunctionDef, ast.AsyncFunctionDef)
_LEAVES = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del})


@dataclass(frozen=True, slots=True)
class Passed:
    """Name `name` of this module stands for `target` ("app.core.Box"); `*` for everything public in it.

    `public` says that it is meant for others although it is imported: in a package's `__init__`, or written
    `import x as x`.
    """

    name: str
    target: str
    public: bool


def telling(tree: ast.Module) -> list[ast.stmt | ast.expr]:
    """The nodes that say something beyond names, in order: imports, calls, subscripts, functions.

    `ast.walk` would take twice as long as reading the names does.
    """
    found: list[ast.stmt | ast.expr] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _TELLING):
            found.append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                waiting.extend(one for one in value if isinstance(one, ast.AST))
            elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
                waiting.append(value)
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def imported(nodes: Iterable[ast.AST], names: PythonNames) -> tuple[str, ...]:
    """Every module that is imported anywhere, absolute; `from a import b` counts as a and as a.b."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = names.absolute(node.module, node.level)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
    return tuple(sorted(found - {""}))


def passed_on(tree: ast.Module, names: PythonNames) -> tuple[Passed, ...]:
    """What top-level imports make available as names of this module."""
    found: list[Passed] = []
    own = names.module.partition(".")[0]
    for node, typing_only in _statements(tree.body):
        if isinstance(node, ast.Import):
            found.extend(
                Passed(alias.asname, alias.name, alias.asname == alias.name)
                for alias in node.names
                if alias.asname
            )
        elif isinstance(node, ast.ImportFrom):
            base = names.absolute(node.module, node.level)
            inside = names.is_package and base.partition(".")[0] == own and not typing_only
            for alias in node.names:
                name = alias.asname or alias.name
                target = base if alias.name == "*" else f"{base}.{alias.name}"
                public = (inside and not name.startswith("_")) or alias.asname == alias.name
                found.append(Passed(name, target, public))
    return tuple(found)


def declared(tree: ast.Module) -> tuple[str, ...] | None:
    """The parts of `__all__` in order, or None when there is none or it is computed in ways not followed.

    A part that begins with `@` stands for the `__all__` of another module, as it is written there.
    """
    lists: dict[str, list[str]] = {}
    try:
        for node, _ in _statements(tree.body):
            _follow(node, lists)
    except _ComputedError:
        return None
    found = lists.get("__all__")
    return None if found is None else tuple(found[:_EXPORTS_MOST])


class _ComputedError(Exception):
    """`__all__` is made in a way that only running the module would tell."""


def _follow(node: ast.stmt, lists: dict[str, list[str]]) -> None:
    """Keep `lists`, the lists of texts by name, as they are after `node`."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            lists.pop(name, None)
            parts = _parts(value, lists)
            if parts is not None:
                lists[name] = parts
            elif name == "__all__":
                raise _ComputedError
        case (
            ast.AugAssign(target=ast.Name(id="__all__" as name), op=ast.Add(), value=value)
            | ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="__all__" as name), attr="extend"), args=[value]
                )
            )
        ):
            lists.setdefault(name, []).extend(_certain(value, lists))
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="__all__"), attr="append" | "remove" as verb),
                args=[ast.Constant(value=str(text))],
            )
        ):
            known = lists.setdefault("__all__", [])
            if verb == "append":
                known.append(text)
            elif text in known:
                known.remove(text)


def _certain(value: ast.expr, lists: dict[str, list[str]]) -> list[str]:
    parts = _parts(value, lists)
    if parts is None:
        raise _ComputedError
    return parts


def _parts(value: ast.expr, lists: dict[str, list[str]]) -> list[str] | None:
    match value:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _joined(items, lists)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([left, right], lists)
        case (
            ast.Starred(value=inner)
            | ast.Call(func=ast.Name(id="list" | "tuple" | "sorted"), args=[inner], keywords=[])
        ):
            return _parts(inner, lists)
        case ast.Name(id=name) if name in lists:
            return list(lists[name])
        case ast.Name(id=name) if name.endswith(("all__", "_all")):
            return [f"@{name}"]
        case ast.Attribute(attr="__all__"):
            return [f"@{ast.unparse(value)}"]
    return None


def _joined(items: list[ast.expr], lists: dict[str, list[str]]) -> list[str] | None:
    found: list[str] = []
    for item in items:
        parts = _parts(item, lists)
        if parts is None or len(found) > _EXPORTS_MOST:
            return None
        found += parts
    return found


def runs(tree: ast.Module) -> bool:
    """Whether something happens when the module is started as a program."""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and ast.unparse(node.test) in ("__name__ == '__main__'", "'__main__' == __name__")
        for node in tree.body
    )


def absent(tree: ast.Module) -> frozenset[str]:
    """Names that the text binds but the running module has not: deleted, or made for type checkers alone."""
    for_types: set[str] = set()
    there: set[str] = set()
    for node, typing_only in _statements(tree.body):
        if isinstance(node, ast.Delete):
            gone = {target.id for target in node.targets if isinstance(target, ast.Name)}
            there -= gone
            for_types |= gone
        else:
            (for_types if typing_only else there).update(_bound(node))
    return frozenset(for_types - there - {"*"})


def _bound(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                elements = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
                yield from (element.id for element in elements if isinstance(element, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def _statements(body: list[ast.stmt], typing_only: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Statements that run when the module is imported, and whether only a type checker sees them."""
    for node in body:
        yield node, typing_only
        for number, below in enumerate(_blocks(node)):
            guarded = number == 0 and isinstance(node, ast.If) and _is_for_types(node.test)
            yield from _statements(below, typing_only or guarded)


def _is_for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    match node:
        case ast.If(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            yield from (body, *(handler.body for handler in handlers), orelse, finalbody)
        case ast.With(body=body):
            yield body

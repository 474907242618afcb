"""What a Python file asks its environment, which HTTP routes it declares, and which tests it holds."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docgen_main.facts.model import Route, VariableRead

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,80}")
_READERS = frozenset({"getenv", "environ.get", "env", "env.str", "env.int", "env.bool", "env.list", "config"})
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_ROUTE_CLASSES = {"Route": "", "WebSocketRoute": "WEBSOCKET", "APIRoute": ""}
_MOST = 500


@dataclass(frozen=True, slots=True)
class PythonCalls:
    """What was found, in order of line."""

    variables: tuple[VariableRead, ...]
    routes: tuple[Route, ...]
    tests: tuple[str, ...]


def read_calls(path: str, tree: ast.Module, nodes: Iterable[ast.AST]) -> PythonCalls:
    """What `nodes`, those of `tree` that say something, tell of the file at `path`."""
    variables: list[VariableRead] = []
    routes: list[Route] = []
    prefixes = _prefixes(tree)
    for node in nodes:
        if isinstance(node, ast.Call):
            variables.extend(_variable_in_call(node))
            routes.extend(_route_in_call(node, path))
        elif isinstance(node, ast.Subscript):
            variables.extend(_variable_in_subscript(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                routes.extend(_route_above(decorator, node, path, prefixes))
    return PythonCalls(
        tuple(sorted(variables, key=lambda found: found.line)[:_MOST]),
        tuple(sorted(routes, key=lambda found: found.line)[:_MOST]),
        tuple(_tests(tree.body))[:_MOST],
    )


def _dotted(node: ast.expr) -> str:
    """`a.b.c` for such an expression of at most four names, else ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < 4:
        names.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *names]) if isinstance(node, ast.Name) else ""


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _variable_in_call(call: ast.Call) -> Iterator[VariableRead]:
    dotted = _dotted(call.func)
    reads = dotted in _READERS or dotted.endswith(("environ.get", ".getenv", "environ.setdefault"))
    name = _text(call.args[0]) if reads and call.args else None
    if name and _VARIABLE.fullmatch(name):
        given = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
        yield VariableRead(name, _plain([*call.args[1:2], *given]), call.lineno)
    for keyword in call.keywords:  # click and typer
        for node in (
            keyword.value.elts if isinstance(keyword.value, ast.List | ast.Tuple) else [keyword.value]
        ):
            text = _text(node) if keyword.arg == "envvar" else None
            if text and _VARIABLE.fullmatch(text):
                yield VariableRead(text, "", node.lineno)


def _variable_in_subscript(node: ast.Subscript) -> Iterator[VariableRead]:
    name = _text(node.slice)
    dotted = _dotted(node.value)
    if name and (dotted == "environ" or dotted.endswith(".environ")) and _VARIABLE.fullmatch(name):
        yield VariableRead(name, "", node.lineno)


def _plain(values: list[ast.expr]) -> str:
    value = values[0] if values else None
    if not isinstance(value, ast.Constant) or value.value is None:
        return ""
    return str(value.value)[:80]


def _prefixes(tree: ast.Module) -> dict[str, str]:
    """Routers and blueprints of this file by name, with the prefix that they are made with."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            keywords = {keyword.arg: _text(keyword.value) for keyword in node.value.keywords}
            prefix = keywords.get("prefix") or keywords.get("url_prefix")
            for target in node.targets:
                if prefix and isinstance(target, ast.Name):
                    found[target.id] = prefix
    return found


def _route_above(
    decorator: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef, path: str, prefixes: dict[str, str]
) -> Iterator[Route]:
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return
    served = _text(decorator.args[0]) if decorator.args else None
    if served is None or not (served.startswith("/") or served == ""):
        return
    owner, verb = _dotted(decorator.func.value), decorator.func.attr
    whole = prefixes.get(owner, "") + served
    for method in _methods(verb, decorator.keywords):
        if whole:
            yield Route(method, whole, function.name, path, decorator.lineno)


def _methods(verb: str, keywords: list[ast.keyword]) -> list[str]:
    if verb in _METHODS:
        return [verb.upper()]
    if verb in ("websocket", "websocket_route"):
        return ["WEBSOCKET"]
    if verb not in ("route", "api_route"):
        return []
    return _listed_methods(keywords)


def _listed_methods(keywords: list[ast.keyword]) -> list[str]:
    for keyword in keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            return [text.upper() for node in keyword.value.elts if (text := _text(node))] or [""]
    return [""]


def _route_in_call(call: ast.Call, path: str) -> Iterator[Route]:
    name = _dotted(call.func)
    last = name.rpartition(".")[2]
    served = _text(call.args[0]) if call.args else None
    if served is None or len(call.args) < 2:
        return
    handler = _dotted(call.args[1]) or _dotted(getattr(call.args[1], "func", call.args[0]))
    if last in _ROUTE_CLASSES and served.startswith("/"):
        for method in _listed_methods(call.keywords):
            yield Route(_ROUTE_CLASSES[last] or method, served, handler, path, call.lineno)
    elif last in ("add_api_route", "add_route", "add_url_rule") and served.startswith("/"):
        for method in _listed_methods(call.keywords):
            yield Route(method, served, handler, path, call.lineno)
    elif name in ("path", "re_path") and path.endswith("urls.py") and not _includes(call.args[1]):
        yield Route("", served if served.startswith(("/", "^")) else f"/{served}", handler, path, call.lineno)


def _includes(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _dotted(node.func).rpartition(".")[2] == "include"


def _tests(body: list[ast.stmt], above: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield above + node.name
        elif isinstance(node, ast.ClassDef) and not above:
            yield from _tests(node.body, f"{node.name}.")

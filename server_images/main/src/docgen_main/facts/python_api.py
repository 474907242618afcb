"""The public face of Python modules, read with `ast`.

The standard library's parser on bytes that came through the workspace guard is enough for names, signatures
and docstrings, and it can neither import the code nor open a file by itself; tools that resolve more do one
or the other.
"""

import ast
import inspect
import re
import warnings
from dataclasses import dataclass

from docgen_main.facts.model import Module, Symbol

_SIGNATURE = 400


@dataclass(frozen=True, slots=True)
class PythonNames:
    """How a file is called from inside Python: module `app.core.io` in package `app.core`."""

    module: str
    package: str


def names_of(path: str, packages: frozenset[str]) -> PythonNames:
    """Names of the file at `path`; `packages` are the directories that hold an `__init__.py`."""
    *directories, name = path.split("/")
    start = len(directories)
    while start and "/".join(directories[:start]) in packages:
        start -= 1
    inner = directories[start:]
    stem = name.rsplit(".", 1)[0]
    module = ".".join(inner if stem == "__init__" else [*inner, stem])
    return PythonNames(module or stem, ".".join(inner))


def read_module(path: str, source: bytes, packages: frozenset[str], *, test: bool) -> Module | None:
    """Describe the module at `path`, or return None when this version of Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's code are not our news
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = names_of(path, packages)
    component = names.package or ("/".join(path.split("/")[:-1]) or names.module)
    declared = _declared(tree)
    symbols = [] if test else _symbols(tree.body, declared)
    if declared is not None:
        symbols.sort(key=lambda symbol: declared.index(symbol.name))
    return Module(
        path=path,
        name=names.module,
        component=component,
        language="Python",
        doc=_doc(tree),
        symbols=tuple(symbols),
        imports=tuple(sorted(_imports(tree, names, path.endswith("__init__.py")))),
        runs=path.endswith("__main__.py") or _has_main_guard(tree),
        test=test,
    )


def _declared(tree: ast.Module) -> list[str] | None:
    """The names in a literal `__all__`, or None."""
    for node in tree.body:
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in _targets(node)):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.List | ast.Tuple):
                return [
                    e.value for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)
                ]
    return None


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _symbols(body: list[ast.stmt], declared: list[str] | None) -> list[Symbol]:
    found: dict[str, Symbol] = {}
    for node in body:
        symbol = _symbol(node)
        if symbol is None:
            continue
        public = symbol.name in declared if declared is not None else not symbol.name.startswith("_")
        if public:
            found.setdefault(symbol.name, symbol)
    return list(found.values())


def _symbol(node: ast.stmt) -> Symbol | None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return Symbol(node.name, "function", _function(node), _doc(node), node.lineno)
        case ast.ClassDef():
            return Symbol(node.name, "class", _class(node), _doc(node), node.lineno, tuple(_members(node)))
        case ast.AnnAssign(target=ast.Name(id=name)) if name.isupper():
            return Symbol(name, "constant", f"{name}: {_unparse(node.annotation)}", "", node.lineno)
        case ast.Assign(targets=[ast.Name(id=name)]) if name.isupper():
            return Symbol(name, "constant", name, "", node.lineno)
        case _:
            return None


def _members(node: ast.ClassDef) -> list[Symbol]:
    members = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            kind = "property" if _is_property(item) else "method"
            members.append(Symbol(item.name, kind, _function(item), _doc(item), item.lineno))
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            name = item.target.id
            if not name.startswith("_"):
                text = f"{name}: {_unparse(item.annotation)}"
                members.append(Symbol(name, "attribute", text, "", item.lineno))
    seen: dict[str, Symbol] = {}
    for member in members:  # overloads and property setters repeat a name; the first one documents it
        seen.setdefault(member.name, member)
    return list(seen.values())


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in _unparse(decorator) for decorator in node.decorator_list)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {_unparse(node.returns)}" if node.returns else ""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return _short(f"{word} {node.name}({_unparse(node.args)}){returns}")


def _class(node: ast.ClassDef) -> str:
    bases = [_unparse(base) for base in node.bases]
    bases += [f"{k.arg}={_unparse(k.value)}" for k in node.keywords if k.arg]
    return _short(f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}")


def _short(text: str) -> str:
    if len(text) <= _SIGNATURE:
        return text
    return re.sub(r"\w+$", "", text[: _SIGNATURE - 1]) + "…"  # half a name would be a wrong one


def _unparse(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):  # expressions nested deeper than the interpreter's own limit
        return "…"


def _doc(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node, clean=False) or "")


def _imports(tree: ast.Module, names: PythonNames, is_package: bool) -> set[str]:
    """Every module this one imports, absolute; `from a import b` counts as a and as a.b."""
    found: set[str] = set()
    here = names.module if is_package else names.module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = here.split(".")[: len(here.split(".")) - (node.level - 1)]
                base = ".".join([*above, *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
    return found - {""}


def _has_main_guard(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.If) and _unparse(node.test) == "__name__ == '__main__'" for node in tree.body
    )

"""Names, signatures and documentation of one Python file, read with griffe.

griffe's visitor works on text that is handed to it: nothing is imported, no path is looked up, and none of
its loaders, finders and inspectors, which do such things, is used. Import this module only when there is a
Python file to read: griffe takes ten megabytes that an idle server does not need.
"""

import ast
import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import decode_source
from pathlib import Path

import griffe

from docgen_main.facts.model import Symbol
from docgen_main.facts.python_names import PythonNames

_SIGNATURE = 400
_DOC = 20_000
_VALUE = 80
_DEPTH = 4
_NEIGHBOURS = 500_000
_SPECIAL = ("__init__", "__call__")

#: what griffe says about other people's code quotes it, and is no news to who runs this server
logging.getLogger("griffe").setLevel(logging.CRITICAL)


class _TreeKeeper(griffe.Extension):
    """Keeps the tree that griffe has parsed, so that the file need not be parsed twice."""

    tree: ast.Module

    def on_module_node(self, *, node: object, **_: object) -> None:
        """Keep `node`."""
        if isinstance(node, ast.Module):
            self.tree = node


class _BoundedVisitor(griffe.Visitor):
    """Takes time in proportion to the file, also where thousands of values are assigned in one place.

    To see whether a text below an assignment documents it, griffe counts through all its neighbours: beyond
    a bound, names are taken as they are.
    """

    _neighbours = 0

    def handle_attribute(
        self, node: ast.Assign | ast.AnnAssign, annotation: str | griffe.Expr | None = None
    ) -> None:
        """Take in the names that `node` assigns to."""
        self._neighbours += len(getattr(getattr(node, "parent", None), "body", ()))
        if self._neighbours <= _NEIGHBOURS:
            super().handle_attribute(node, annotation)
        elif self.current.is_module or self.current.is_class:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and target.id not in self.current.members:
                    plain = griffe.Attribute(target.id, annotation=annotation, lineno=node.lineno)
                    plain.labels.add("class-attribute")
                    self.current.set_member(target.id, plain)


def read_symbols(source: bytes, names: PythonNames) -> tuple[ast.Module, str, tuple[Symbol, ...]] | None:
    """The syntax tree, the module's documentation, and all names it defines in order, private ones too.

    None when this version of Python cannot parse it.
    """
    keeper = _TreeKeeper()
    # only the name counts, and only to tell a package's __init__ from another module
    path = Path("__init__.py" if names.is_package else "module.py")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's code are not our news
            visitor = _BoundedVisitor(names.module, path, decode_source(source), griffe.Extensions(keeper))
            module = visitor.get_module()
            return keeper.tree, _doc(module), tuple(_ordered(_members(module, 0)))
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None


def _ordered(found: Iterable[Symbol]) -> list[Symbol]:
    return sorted(found, key=lambda symbol: symbol.line)


def _members(owner: griffe.Module | griffe.Class, depth: int) -> Iterator[Symbol]:
    for member in owner.members.values():
        if isinstance(member, griffe.Function):
            yield _function(member, in_class=owner.is_class)
        elif isinstance(member, griffe.Class):
            yield _class(member, depth)
        elif isinstance(member, griffe.TypeAlias):
            text = f"type {member.name}{_type_parameters(member.type_parameters)} = {member.value}"
            yield Symbol(member.name, "type alias", _short(text), _doc(member), member.lineno or 0)
        elif isinstance(member, griffe.Attribute):
            yield from _attribute(member, in_class=owner.is_class)
    for name, declared in owner.overloads.items():
        if declared and name not in owner.members:  # stubs and protocols: no implementation follows
            yield _function(declared[0], in_class=owner.is_class, overloads=declared)


def _function(
    function: griffe.Function, *, in_class: bool, overloads: list[griffe.Function] | None = None
) -> Symbol:
    word = "async def" if "async" in function.labels else "def"
    kind = "function"
    if in_class:
        kinds = {"classmethod": "class method", "staticmethod": "static method"}
        kind = next((said for label, said in kinds.items() if label in function.labels), "method")
    declared = overloads or function.overloads or [function]
    return Symbol(
        function.name,
        kind,
        "\n".join(_signature(one, word) for one in declared),
        next((doc for one in (function, *declared) if (doc := _doc(one))), ""),
        function.lineno or 0,
        decorators=_decorators(function.decorators),
    )


def _signature(function: griffe.Function, word: str) -> str:
    parameters = _type_parameters(function.type_parameters)
    text = f"{word} {function.signature(name=function.name + parameters)}"
    return _short(_with_first(function, text))


def _with_first(function: griffe.Function, text: str) -> str:
    """`text` with `self` or `cls`, which griffe leaves out and readers of Python expect."""
    first = next(iter(function.parameters), None)
    if (
        first is None
        or first.name not in ("self", "cls")
        or not (function.parent and function.parent.is_class)
    ):
        return text
    head, _, tail = text.partition("(")
    return f"{head}({first.name}{'' if tail.startswith(')') else ', '}{tail}"


def _class(found: griffe.Class, depth: int) -> Symbol:
    arguments = [str(base) for base in found.bases]
    arguments += [f"{name}={value}" for name, value in found.keywords.items()]
    text = f"class {found.name}{_type_parameters(found.type_parameters)}"
    members = [m for m in _members(found, depth + 1) if _is_shown(m)] if depth < _DEPTH else []
    return Symbol(
        found.name,
        "class",
        _short(f"{text}({', '.join(arguments)})" if arguments else text),
        _doc(found),
        found.lineno or 0,
        tuple(_ordered(members)),
        decorators=_decorators(found.decorators),
    )


def _is_shown(member: Symbol) -> bool:
    if member.name == "__init__":
        return member.signature != "def __init__(self)"
    return not member.name.startswith("_") or member.name in _SPECIAL


def _attribute(attribute: griffe.Attribute, *, in_class: bool) -> Iterator[Symbol]:
    if "property" in attribute.labels:
        returns = f" -> {attribute.annotation}" if attribute.annotation else ""
        text = f"def {attribute.name}(self){returns}"
        yield Symbol(attribute.name, "property", _short(text), _doc(attribute), attribute.lineno or 0)
        return
    name = attribute.name
    only_in_instances = in_class and "class-attribute" not in attribute.labels
    said = attribute.annotation or (_of_parameter(attribute) if only_in_instances else None)
    annotation = f": {said}" if said else ""
    value = "" if only_in_instances else _value(attribute)  # set anew for each instance
    yield Symbol(
        name, _kind(attribute, in_class), _short(f"{name}{annotation}{value}"),
        _doc(attribute), attribute.lineno or 0,
    )  # fmt: skip


def _of_parameter(attribute: griffe.Attribute) -> str | griffe.Expr | None:
    """The type of the parameter of `__init__` that the attribute keeps, as in `self.name = name`."""
    made = attribute.parent.members.get("__init__") if attribute.parent else None
    kept = str(attribute.value)
    if not isinstance(made, griffe.Function) or kept not in made.parameters:
        return None
    return made.parameters[kept].annotation


def _kind(attribute: griffe.Attribute, in_class: bool) -> str:
    if str(attribute.annotation or "").rpartition(".")[2] == "TypeAlias":
        return "type alias"
    if in_class:
        return "attribute"
    return "constant" if attribute.name.isupper() else "variable"


def _value(attribute: griffe.Attribute) -> str:
    """The value where it is short and plain; what is computed is known only when it runs."""
    if attribute.value is None or attribute.name.startswith("_"):
        return ""
    text = str(attribute.value)
    plain = len(text) <= _VALUE and "\n" not in text and re.fullmatch(r"[\w.\[\]|, '\"+*/()<>=:{}-]*", text)
    return f" = {text}" if plain else ""


def _type_parameters(parameters: griffe.TypeParameters) -> str:
    stars = {griffe.TypeParameterKind.type_var_tuple: "*", griffe.TypeParameterKind.param_spec: "**"}
    names = [stars.get(parameter.kind, "") + parameter.name for parameter in parameters]
    return f"[{', '.join(names)}]" if names else ""


def _decorators(decorators: list[griffe.Decorator]) -> tuple[str, ...]:
    return tuple(_short(str(decorator.value), 120) for decorator in decorators)


def _doc(found: griffe.Object) -> str:
    return found.docstring.value[:_DOC] if found.docstring else ""


def _short(text: str, most: int = _SIGNATURE) -> str:
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return re.sub(r"\w+$", "", text[: most - 1]) + "…"  # half a name would be a wrong one

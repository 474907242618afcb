"""setup.py, as far as it says things plainly: it is parsed, never run.

Only what stands there as a literal counts, in the call of `setup` or in a name of the module that the call
uses. What is computed is left out.
"""

import ast
from typing import Any

from docgen_main.facts.manifests.python import console_scripts
from docgen_main.facts.manifests.requirements import requirements
from docgen_main.facts.manifests.values import table, text, texts
from docgen_main.facts.model import Manifest


def setup_py(path: str, content: str) -> Manifest | None:
    """What the call of `setup` in setup.py declares; None without such a call."""
    tree = ast.parse(content)
    call = next((node for node in ast.walk(tree) if _is_setup(node)), None)
    if not isinstance(call, ast.Call):
        return None
    known = _literals(tree)
    said = {keyword.arg: _value(keyword.value, known) for keyword in call.keywords if keyword.arg}
    dependencies = requirements(_lines(said.get("install_requires")))
    for group, lines in table(said.get("extras_require")).items():
        dependencies += requirements(_lines(lines), str(group))
    dependencies += requirements(_lines(said.get("tests_require")), "test")
    return Manifest(
        path,
        "Python",
        name=text(said.get("name")),
        version=text(said.get("version")),
        description=text(said.get("description")),
        license=text(said.get("license")),
        runtime=text(said.get("python_requires")),
        dependencies=tuple(dependencies),
        entries=console_scripts(path, _lines(table(said.get("entry_points")).get("console_scripts"))),
    )


def _is_setup(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "setup"


def _lines(value: object) -> list[str]:
    return value.splitlines() if isinstance(value, str) else texts(value)


def _literals(tree: ast.Module) -> dict[str, Any]:
    """Names of the module that are set to literals."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = _value(node.value, found)
            if value is not None:
                found[node.targets[0].id] = value
    return found


def _value(node: ast.expr, known: dict[str, Any]) -> object:
    """A literal, in which names that are known may stand; None when it is anything else."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, known) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {
                str(_value(key, known)): _value(value, known)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = _value(left, known), _value(right, known)
            if isinstance(parts[0], list) and isinstance(parts[1], list):
                return [*parts[0], *parts[1]]
            return None
        case ast.Constant(value=value):
            return value
        case _:
            return None

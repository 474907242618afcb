"""Tasks of Python's and general task runners: sessions of nox, environments of tox, recipes of just."""

import ast
import configparser
import re
from collections.abc import Callable, Iterator

from docgen_main.facts.model import Command
from docgen_main.facts.prose import first_sentence

_RECIPE = re.compile(r"^@?([A-Za-z][\w-]{0,60})(?:\s[^:\n]{0,200})?:(?!=)")
_ENVIRONMENT = "testenv:"


def nox_sessions(path: str, text: str) -> Iterator[Command]:
    """The sessions of a noxfile.py, which is parsed and never run."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                name = _session(decorator, node.name)
                if name:
                    yield Command(f"nox -s {name}", first_sentence(ast.get_docstring(node) or ""), path)


def _session(decorator: ast.expr, function: str) -> str:
    """The name of the session that `decorator` makes of `function`, or "" when it makes none."""
    call = decorator if isinstance(decorator, ast.Call) else None
    if ast.unparse(call.func if call else decorator) not in ("nox.session", "session"):
        return ""
    for keyword in call.keywords if call else ():
        if keyword.arg == "name":
            named = keyword.value
            return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else ""
    return function


def tox_environments(path: str, text: str) -> Iterator[Command]:
    """The named environments of tox.ini; those that a pattern makes are left out."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        name = section.removeprefix(_ENVIRONMENT)
        if section.startswith(_ENVIRONMENT) and re.fullmatch(r"[\w.-]+", name):
            yield Command(f"tox -e {name}", " ".join(parser[section].get("description", "").split()), path)


def just_recipes(path: str, text: str) -> Iterator[Command]:
    """The recipes of a justfile with the comment above each; private ones are left out."""
    above = ""
    for line in text.splitlines():
        match = _RECIPE.match(line[:400])
        if match and "[private]" not in above:
            yield Command(
                f"just {match[1]}", above.removeprefix("#").strip() if above[:1] == "#" else "", path
            )
        above = line


#: file of the top directory → what reads its tasks
TASK_FILES: dict[str, Callable[[str, str], Iterator[Command]]] = {
    "noxfile.py": nox_sessions,
    "tox.ini": tox_environments,
    "justfile": just_recipes,
    "Justfile": just_recipes,
}

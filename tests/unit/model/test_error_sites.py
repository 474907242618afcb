"""Every place that raises an error of ours, read from the source: each names a way out that exists."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import docgenctl
from docgenctl.cli.app import COMMANDS

SOURCE = Path(docgenctl.__file__).parent
FAMILY = {
    *("DocgenError", "UsageError", "ConfigurationError", "EngineError", "AnswerError", "PortTakenError"),
    *("SubnetTakenError", "BuildError", "NotHealthyError", "RefusedError", "LockedError"),
}
#: Errors that nobody can act on: only a mistake in our own code can raise them.
WITHOUT_A_WAY_OUT = {
    "cannot be a file of a volume",
    "is not an owner",
    "is not a name inside a build context",
}
#: Words behind `docgenctl` in sentences about the program.
PROSE = {
    *("again", "and", "can", "cannot", "command", "does", "gateway", "has", "in", "is", "itself", "lacks"),
    *(
        "knows",
        "made",
        "makes",
        "may",
        "needs",
        "of",
        "on",
        "or",
        "reads",
        "runs",
        "stack",
        "takes",
        "to",
        "uses",
        "would",
        "was",
        "will",
    ),
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILY:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def test_every_error_has_a_hint() -> None:
    silent = {}
    for place, call in calls():
        hint = next((keyword.value for keyword in call.keywords if keyword.arg == "hint"), None)
        if hint is None or (isinstance(hint, ast.Constant) and not hint.value):
            silent[place] = ast.unparse(call)
    unexcused = {
        place: text for place, text in silent.items() if not any(w in text for w in WITHOUT_A_WAY_OUT)
    }
    assert not unexcused
    assert len(silent) == len(WITHOUT_A_WAY_OUT), "an excuse is no longer needed"


def test_no_message_ends_with_a_full_stop_or_begins_with_error() -> None:
    for place, call in calls():
        if call.args and isinstance(call.args[0], ast.Constant):
            message = str(call.args[0].value)
            assert not message.endswith("."), place
            assert not message.lower().startswith("error"), place


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the source that is no docstring."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.value


NAMED = [
    (place, match[1])
    for place, text in texts()
    for match in re.finditer(r"docgenctl ((?:--?)?[a-z][a-zA-Z0-9_ /-]*)", text)
    if match[1].split()[0] not in PROSE
]


def test_commands_are_found_in_hints() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("place", "words"), NAMED, ids=[f"{place} {words}" for place, words in NAMED])
def test_every_command_that_a_message_names_exists_with_its_options(place: str, words: str) -> None:
    name, *rest = words.split()
    assert name in COMMANDS, place
    node: Any = get_command(importlib.import_module(f"docgenctl.cli.{COMMANDS[name].module}").app)
    while rest and rest[0] in getattr(node, "commands", {}):
        node = node.commands[rest.pop(0)]
    options = {option for parameter in node.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        if word.startswith("-"):
            assert word in options, place

"""The table of error codes in docs/operations.md, against every place in the code that gives one."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import docgenctl
from docgenctl.model.errors import DocgenError

from .documents import ROOT, read, section, table


def families() -> dict[str, type[DocgenError]]:
    """Every error of ours, by the name of its class."""
    for module in pkgutil.walk_packages(docgenctl.__path__, "docgenctl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind: type[DocgenError]) -> Iterator[type[DocgenError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    return {kind.__name__: kind for kind in below(DocgenError)}


def given() -> dict[str, set[int]]:
    """Code → exit codes, for the default of every family and each `code=` that an error is made with."""
    kinds = families()
    found: dict[str, set[int]] = {}
    for kind in kinds.values():
        found.setdefault(kind.default_code, set()).add(int(kind.exit_code))
    for path in (ROOT / "docgenctl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code, name in codes(node):
                assert name in kinds, f"{path}: {code} is given to {name}"
                found.setdefault(code, set()).add(int(kinds[name].exit_code))
    return found


def codes(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        for keyword in node.keywords:
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value), node.func.id


def test_the_codes_in_the_table_are_those_of_the_code_with_their_exit_codes() -> None:
    rows = table(section(read("operations.md"), "## Troubleshooting by error code"))
    assert {row[0]: {int(row[1])} for row in rows} == given()


def test_every_code_says_what_happened_and_what_to_do() -> None:
    rows = table(section(read("operations.md"), "## Troubleshooting by error code"))
    assert all(row[2] and row[3] for row in rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_a_new_code_would_be_noticed(tmp_path: Path) -> None:
    node = ast.parse('raise RefusedError("no", code="brand_new")').body[0]
    assert list(codes(node.exc)) == [("brand_new", "RefusedError")]  # type: ignore[attr-defined]

"""What one Python file says, before others are looked at: names, borders, and what it passes on."""

from dataclasses import dataclass

from docgen_main.facts.model import Symbol
from docgen_main.facts.python_calls import PythonCalls, read_calls
from docgen_main.facts.python_names import PythonNames
from docgen_main.facts.python_tree import Passed, absent, declared, imported, passed_on, runs, telling


@dataclass(frozen=True, slots=True)
class PythonFile:
    """A file that parses: `own` are all names it defines, `exports` the parts of its `__all__` if any."""

    path: str
    names: PythonNames
    doc: str
    own: tuple[Symbol, ...]
    imports: tuple[str, ...]
    passed: tuple[Passed, ...]
    exports: tuple[str, ...] | None
    runs: bool
    test: bool


def read_file(
    path: str, source: bytes, names: PythonNames, *, test: bool
) -> tuple[PythonFile, PythonCalls] | None:
    """Describe the file at `path`, or return None when this version of Python cannot parse it."""
    from docgen_main.facts.python_symbols import read_symbols

    read = read_symbols(source, names)
    if read is None:
        return None
    tree, doc, own = read
    try:
        nodes = telling(tree)
        exports = declared(tree)
        gone = absent(tree) - frozenset(exports or ())  # what `__all__` names comes in some other way
        file = PythonFile(
            path=path,
            names=names,
            doc=doc,
            own=tuple(symbol for symbol in own if symbol.name not in gone),
            imports=imported(nodes, names),
            passed=tuple(one for one in passed_on(tree, names) if one.name not in gone),
            exports=exports,
            runs=path.endswith("__main__.py") or runs(tree),
            test=test,
        )
        return file, read_calls(path, tree, nodes)
    except RecursionError:  # expressions nested deeper than the interpreter's own limit
        return None

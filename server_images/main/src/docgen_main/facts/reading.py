"""What is read in one file by itself: the unit that is kept as long as the file stays the same."""

from dataclasses import dataclass

from docgen_main.facts import python_api, text_calls
from docgen_main.facts.model import Module, Route, VariableRead
from docgen_main.facts.outline import OUTLINES
from docgen_main.facts.python_api import PythonFile
from docgen_main.facts.python_names import PythonNames

UNPARSED = "cannot be parsed"
TANGLED = "too big or too tangled to be parsed"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts of one file; `problem` says why there are none.

    A Python file becomes a module only beside the others, which it passes names on from.
    """

    module: Module | None = None
    python: PythonFile | None = None
    variables: tuple[VariableRead, ...] = ()
    routes: tuple[Route, ...] = ()
    tests: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FileName:
    """All that decides besides the content what is read in a file."""

    path: str
    language: str
    names: PythonNames | None
    test: bool


def is_read(path: str, language: str | None) -> bool:
    """Whether the file at `path` is one that is looked into."""
    return path.endswith(".py") if language == "Python" else language in OUTLINES


def read_facts(name: FileName, content: bytes) -> FileFacts:
    """The facts of the file called `name`."""
    if name.names is not None:
        return _python(name, name.names, content)
    text = content.decode(errors="replace").replace("\r\n", "\n").removeprefix("\ufeff")
    module = OUTLINES[name.language](name.path, text, name.test)
    return FileFacts(
        module=module,
        variables=text_calls.variables(name.language, text),
        routes=() if name.test else text_calls.routes(name.language, name.path, text),
        tests=text_calls.tests(name.language, text) if name.test else (),
        problem="" if module else TANGLED,
    )


def _python(name: FileName, names: PythonNames, content: bytes) -> FileFacts:
    read = python_api.read_file(name.path, content, names, test=name.test)
    if read is None:
        return FileFacts(problem=UNPARSED)
    file, calls = read
    return FileFacts(
        python=file,
        variables=calls.variables,
        routes=() if name.test else calls.routes,
        tests=calls.tests if name.test else (),
    )

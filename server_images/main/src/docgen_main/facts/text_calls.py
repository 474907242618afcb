"""Environment variables, HTTP routes and tests in other languages, from lines that leave no doubt.

A line is looked at by itself, comments left out; what is spread over several lines or computed is not found.
"""

import re
from collections.abc import Iterator

from docgen_main.facts.model import Route, VariableRead

_LINE = 400
_MOST = 500
_COMMENT = ("//", "#", "*", "/*", "--")

_NAME = r"([A-Z][A-Z0-9_]{1,80})"
_QUOTED = rf"""\(\s{{0,4}}["']{_NAME}["']\s{{0,4}}(?:,\s{{0,4}}["']([^"']{{0,80}})["'])?"""
_SCRIPT_VARIABLES = (
    re.compile(rf"""(?:process\.env|import\.meta\.env|Bun\.env)\.{_NAME}\b()"""),
    re.compile(rf"""process\.env\[["']{_NAME}["']\]()"""),
    re.compile(r"Deno\.env\.get" + _QUOTED),
)
_VARIABLES = {
    "JavaScript": _SCRIPT_VARIABLES,
    "TypeScript": _SCRIPT_VARIABLES,
    "Go": (re.compile(r"\bos\.(?:Getenv|LookupEnv)" + _QUOTED),),
    "Rust": (re.compile(r"\benv::var(?:_os)?" + _QUOTED), re.compile(r"\b(?:option_)?env!" + _QUOTED)),
    "Java": (re.compile(r"\bSystem\.getenv" + _QUOTED),),
}

_VERB = "get|post|put|patch|delete|head|options"
_PATH = r"""["'`](/[^"'`\s]{0,200})["'`]"""
_HANDLER = r"(?:\s{0,4},\s{0,4}(?:[\w$.]{1,80}\s{0,4},\s{0,4}){0,4}([\w$.]{1,80})\s{0,4}\))?"
_SCRIPT_ROUTE = re.compile(
    rf"\b(?:app|router|server|api|fastify|routes?|\w{{1,40}}Router)\.({_VERB}|all)\(\s{{0,4}}{_PATH}{_HANDLER}"
)
_ROUTES = {
    "JavaScript": (_SCRIPT_ROUTE,),
    "TypeScript": (_SCRIPT_ROUTE,),
    "Go": (
        re.compile(
            r"""\b\w{1,40}\.(?:HandleFunc|Handle)\("(?:([A-Z]{3,7}) )?"""
            r"""(/[^"\s]{0,200})"(?:, ([\w.]{1,80})\))?"""
        ),
        re.compile(
            r"""\b\w{1,40}\.(GET|POST|PUT|PATCH|DELETE|Get|Post|Put|Patch|Delete)\("""
            r""""(/[^"\s]{0,200})"(?:, ([\w.]{1,80})\))?"""
        ),
    ),
    "Rust": (
        re.compile(rf"""\.route\(\s{{0,4}}()"(/[^"\s]{{0,200}})",\s{{0,4}}(?:{_VERB})\(([\w:]{{1,80}})"""),
        re.compile(rf"""#\[({_VERB})\("(/[^"\s]{{0,200}})"()"""),
    ),
    "Java": (
        re.compile(r"""@(Get|Post|Put|Patch|Delete)Mapping\((?:value = |path = )?"(/[^"\s]{0,200})"()"""),
    ),
}
_RUST_ROUTE = re.compile(rf"\b({_VERB})\(")

_TESTS = {
    "JavaScript": re.compile(r"""^\s{0,40}(?:test|it)\(\s{0,4}["'`]([^"'`\n]{1,200})["'`]"""),
    "TypeScript": re.compile(r"""^\s{0,40}(?:test|it)\(\s{0,4}["'`]([^"'`\n]{1,200})["'`]"""),
    "Go": re.compile(r"^func (Test\w{0,100})\("),
    "Java": re.compile(r"^\s{0,40}(?:public )?void (\w{1,100})\(\) ?(?:throws [\w, ]{1,100})?\{"),
}


def variables(language: str, text: str) -> tuple[VariableRead, ...]:
    """Environment variables that `text` reads."""
    patterns = _VARIABLES.get(language, ())
    found = [
        VariableRead(match[1], match[2] or "", number)
        for number, line in _lines(text, bool(patterns))
        for pattern in patterns
        for match in pattern.finditer(line)
    ]
    return tuple(found[:_MOST])


def routes(language: str, path: str, text: str) -> tuple[Route, ...]:
    """Routes that `text`, the file at `path`, declares."""
    patterns = _ROUTES.get(language, ())
    found = [
        Route(_method(match), match[2], match[3] or "", path, number)
        for number, line in _lines(text, bool(patterns))
        for pattern in patterns
        for match in pattern.finditer(line)
    ]
    return tuple(found[:_MOST])


def _method(match: re.Match[str]) -> str:
    said = match[1] or ""
    if not said and match[0].startswith(".route("):
        verb = _RUST_ROUTE.search(match[0])
        said = verb[1] if verb else ""
    return "" if said == "all" else said.upper()


def tests(language: str, text: str) -> tuple[str, ...]:
    """Names of the tests in a file of tests."""
    pattern = _TESTS.get(language)
    found = [
        match[1]
        for _, line in _lines(text, pattern is not None)
        if pattern and (match := pattern.match(line))
    ]
    return tuple(found[:_MOST])


def _lines(text: str, wanted: bool) -> Iterator[tuple[int, str]]:
    if not wanted:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith(_COMMENT) or line.lstrip().startswith("#["):
            yield number, line[:_LINE]

"""Exported names of Go packages, a file at a time."""

import re

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.lexer import Lexis, balanced, blank, comment_above, one_line

_LEXIS = Lexis(quotes="\"'", raw="`")
_PACKAGE = re.compile(r"^package ([a-z_]\w{0,100})", re.MULTILINE)
_FUNCTION = re.compile(r"^func (?:\(([^)\n]{1,200})\) )?([A-Z]\w{0,100})(?=[(\[])", re.MULTILINE)
_TYPE = re.compile(
    r"^type ([A-Z]\w{0,100})(?:\[[^\]\n]{1,200}\])? (struct|interface|func|map|\[|[\w.*])", re.MULTILINE
)
_VALUE = re.compile(r"^(?:const|var) ([A-Z]\w{0,100})", re.MULTILINE)
_BLOCK = re.compile(r"^(const|var|type) \(", re.MULTILINE)
_IMPORT_BLOCK = re.compile(r"^import \(([^)]{0,8000})\)", re.MULTILINE)
_IMPORT_ONE = re.compile(r'^import (?:[\w.]{1,60} )?"([^"\n]{1,300})"', re.MULTILINE)


def outline(path: str, text: str, test: bool) -> Module:
    """The file at `path`: exported names of its package (none for a program), and the packages it imports."""
    code = blank(text, _LEXIS)
    lines = text.splitlines()
    found = _PACKAGE.search(code)
    package = found[1] if found else ""
    program = package == "main"
    directory = path.rpartition("/")[0]
    quiet = test or program
    return Module(
        path=path,
        name=directory or package or path,
        component=directory or package or path,
        language="Go",
        doc=comment_above(lines, code.count("\n", 0, found.start())) if found else "",
        symbols=() if quiet else tuple(sorted(_symbols(text, code, lines), key=lambda symbol: symbol.line)),
        imports=tuple(sorted(_imports(text))),
        runs=program and re.search(r"^func main\(\)", code, re.MULTILINE) is not None,
        test=test,
    )


def _symbols(text: str, code: str, lines: list[str]) -> list[Symbol]:
    found = []
    for match in _FUNCTION.finditer(code):
        receiver = (match[1] or "").split()
        owner = receiver[-1].lstrip("*").split("[")[0] if receiver else ""
        if owner and not owner[:1].isupper():
            continue  # a method of a type that nobody outside can name
        name = f"{owner}.{match[2]}" if owner else match[2]
        kind = "method" if owner else "function"
        found.append(_symbol(name, kind, _signature(text, code, match), code, match.start(), lines))
    for match in _TYPE.finditer(code):
        word = match[2] if match[2] in ("struct", "interface") else ""
        found.append(_symbol(match[1], "type", f"type {match[1]} {word}".strip(), code, match.start(), lines))
    found.extend(
        _symbol(match[1], "value", one_line(match[0]), code, match.start(), lines)
        for match in _VALUE.finditer(code)
    )
    for match in _BLOCK.finditer(code):
        found.extend(_in_block(match, code, lines))
    return found


def _in_block(match: re.Match[str], code: str, lines: list[str]) -> list[Symbol]:
    closing = balanced(code, match.end() - 1, most=20_000)
    if closing < 0:
        return []
    kind = "type" if match[1] == "type" else "value"
    inside = re.compile(r"^\t([A-Z]\w{0,100})\b", re.MULTILINE)
    return [
        _symbol(item[1], kind, f"{match[1]} {item[1]}", code, item.start(), lines)
        for item in inside.finditer(code, match.end(), closing)
    ]


def _symbol(name: str, kind: str, signature: str, code: str, position: int, lines: list[str]) -> Symbol:
    line = code.count("\n", 0, position)
    return Symbol(name, kind, signature, comment_above(lines, line), line + 1)


def _signature(text: str, code: str, match: re.Match[str]) -> str:
    end = code.find("\n", match.end())
    opening = code.find("(", match.end())
    closing = balanced(code, opening) if opening >= 0 else -1
    if closing > 0:
        end = code.find("\n", closing)
    line = one_line(text[match.start() : end if end >= 0 else len(text)])
    return line.removesuffix("}").rstrip().removesuffix("{").rstrip() if line.endswith(("{", "{}")) else line


def _imports(text: str) -> set[str]:
    found = {match[1] for match in _IMPORT_ONE.finditer(text)}
    for block in _IMPORT_BLOCK.finditer(text):
        found.update(re.findall(r'^\s{0,8}(?:[\w.]{1,60} )?"([^"\n]{1,300})"', block[1], re.MULTILINE))
    return found

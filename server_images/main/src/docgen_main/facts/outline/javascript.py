"""Exports of JavaScript and TypeScript modules."""

import posixpath
import re

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.lexer import Lexis, balanced, blank, comment_above, one_line

_LEXIS = Lexis(quotes="\"'", raw="`")
_NAME = r"([A-Za-z_$][\w$]{0,100})"
_DECLARATION = re.compile(
    r"^export (?:default )?(?:declare )?(?:abstract )?"
    r"(async function\*?|function\*?|class|interface|type|enum|const|let|var) " + _NAME,
    re.MULTILINE,
)
_LIST = re.compile(r"^export (?:type )?\{([^}]{0,4000})\}", re.MULTILINE)
_FROM = re.compile(r"""^(?:import|export)\b[^;'"]{0,2000}?["']([^"'\n]{1,300})["']""", re.MULTILINE)
_CALL = re.compile(r"""\b(?:require|import)\(["']([^"'\n]{1,300})["']\)""")


def outline(path: str, text: str, test: bool) -> Module:
    """The module at `path`: its exports in order, and the paths or packages it imports."""
    code = blank(text, _LEXIS)
    lines = text.splitlines()
    directory, _, name = path.rpartition("/")
    return Module(
        path=path,
        name=path,
        component=directory or name,
        language="TypeScript" if name.rsplit(".", 1)[-1] in ("ts", "tsx", "mts", "cts") else "JavaScript",
        doc=_file_doc(text),
        symbols=() if test else tuple(_declared(text, code, lines)) + tuple(_listed(code)),
        imports=tuple(sorted(_imports(directory, text, code))),
        runs=text.startswith("#!"),
        test=test,
    )


def _declared(text: str, code: str, lines: list[str]) -> list[Symbol]:
    found = []
    for match in _DECLARATION.finditer(code):
        line = code.count("\n", 0, match.start())
        kind = match[1].rstrip("*").removeprefix("async ")
        kind = {"let": "variable", "var": "variable", "const": "constant"}.get(kind, kind)
        found.append(
            Symbol(match[2], kind, _signature(text, code, match, kind), comment_above(lines, line), line + 1)
        )
    return found


def _signature(text: str, code: str, match: re.Match[str], kind: str) -> str:
    head = one_line(text[match.start() : match.end()].removeprefix("export ").removeprefix("default "))
    opening = code.find("(", match.end(), match.end() + 200)
    if kind != "function" or opening < 0:
        return head
    closing = balanced(code, opening)
    if closing < 0:
        return head
    body = re.compile(r"[{\n;]").search(code, closing)
    returns = text[closing : body.start()] if body and code[closing : closing + 1] == ":" else ""
    return one_line(head + text[match.end() : closing] + returns)


def _listed(code: str) -> list[Symbol]:
    found = []
    for match in _LIST.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        for item in match[1].split(","):
            words = item.replace("type ", "", 1).split()
            name = words[-1] if words else ""
            if re.fullmatch(_NAME, name) and name != "default":
                found.append(Symbol(name, "export", name, "", line))
    return found


def _imports(directory: str, text: str, code: str) -> set[str]:
    """Relative imports as paths, others as they are; those in comments and strings do not count."""
    found = set()
    for pattern in (_FROM, _CALL):
        for match in pattern.finditer(text):
            if code[match.start()] != text[match.start()]:
                continue
            target = match[1]
            found.add(
                posixpath.normpath(posixpath.join(directory, target)) if target.startswith(".") else target
            )
    return found


def _file_doc(text: str) -> str:
    match = re.match(r"\s{0,20}(?:#![^\n]{0,200}\n\s{0,20})?/\*\*(.{1,3000}?)\*/\s*\n\s*\n", text, re.DOTALL)
    if not match:
        return ""
    return "\n".join(line.strip(" *") for line in match[1].splitlines()).strip().split("\n@", 1)[0]

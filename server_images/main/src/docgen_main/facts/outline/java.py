"""Public types of Java files."""

import re

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.lexer import Lexis, blank, comment_above, one_line

_LEXIS = Lexis(triple=True)
_PACKAGE = re.compile(r"^package ([\w.]{1,300});", re.MULTILINE)
_TYPE = re.compile(
    r"^public (?:(?:final|abstract|sealed|non-sealed|static) )*(class|interface|enum|record|@interface) "
    r"([A-Za-z_$][\w$]{0,100})",
    re.MULTILINE,
)
_IMPORT = re.compile(r"^import (?:static )?([\w.]{1,300})\.[\w*]{1,100};", re.MULTILINE)


def outline(path: str, text: str, test: bool) -> Module:
    """The file at `path`: its public top-level types, and the packages it imports from."""
    code = blank(text, _LEXIS)
    lines = text.splitlines()
    package = _PACKAGE.search(code)
    symbols = []
    for match in _TYPE.finditer(code):
        line = code.count("\n", 0, match.start())
        symbols.append(Symbol(match[2], match[1], one_line(match[0]), comment_above(lines, line), line + 1))
    directory = path.rpartition("/")[0]
    return Module(
        path=path,
        name=package[1] if package else path,
        component=package[1] if package else directory or path,
        language="Java",
        doc="",
        symbols=() if test else tuple(symbols),
        imports=tuple(sorted({match[1] for match in _IMPORT.finditer(code)})),
        runs=re.search(r"^\s{1,12}public static void main\(", code, re.MULTILINE) is not None,
        test=test,
    )

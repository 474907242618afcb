"""Public items of Rust modules."""

import re

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline.lexer import Lexis, balanced, blank, comment_above, one_line

_LEXIS = Lexis(quotes="", raw='"', nested_comments=True, hashes=True)
_ITEM = re.compile(
    r"^pub ((?:async |const |unsafe )?fn|struct|enum|trait|type|const|static|mod|union) ([A-Za-z_]\w{0,100})",
    re.MULTILINE,
)
_USE = re.compile(r"^(?:pub )?use crate::([a-z_]\w{0,100})", re.MULTILINE)


def outline(path: str, text: str, test: bool) -> Module:
    """The file at `path`: its `pub` items at the top level, and the crate's own modules that it uses."""
    code = blank(text, _LEXIS)
    lines = text.splitlines()
    directory, _, name = path.rpartition("/")
    found = [_symbol(text, code, match, lines) for match in _ITEM.finditer(code)]
    inner = [line.strip()[3:].strip() for line in lines[:40] if line.startswith("//!")]
    return Module(
        path=path,
        name=path,
        component=directory or name,
        language="Rust",
        doc="\n".join(inner),
        symbols=() if test else tuple(found),
        imports=tuple(sorted({f"crate::{match[1]}" for match in _USE.finditer(code)})),
        runs=name == "main.rs" or "/src/bin/" in f"/{path}",
        test=test,
    )


def _symbol(text: str, code: str, match: re.Match[str], lines: list[str]) -> Symbol:
    line = code.count("\n", 0, match.start())
    kind = (
        "function"
        if match[1].endswith("fn")
        else {"mod": "module", "const": "constant"}.get(match[1], match[1])
    )
    end = match.end()
    if kind == "function":
        opening = code.find("(", end)
        closing = balanced(code, opening) if opening >= 0 else -1
        stop = re.compile(r"[{;]").search(code, closing) if closing > 0 else None
        end = stop.start() if stop else end
    return Symbol(
        match[2], kind, one_line(text[match.start() : end]), comment_above(lines, line, "///"), line + 1
    )

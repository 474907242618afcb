"""Blanking comments and strings out of C-like source, so that patterns see code only.

The result has the same length and the same line breaks as the input: a position found in it is a position in
the source. Where a language's rules are subtle (regular expressions in JavaScript, lifetimes in Rust) a
string ends at the end of its line at the latest, so that a wrong guess costs one line.
"""

import re
from dataclasses import dataclass

#: a character that is a quote, or the head of a raw string with its hashes
_RUST = re.compile(r"""'\\?["']'|\br(#{0,20})\"""")


@dataclass(frozen=True, slots=True)
class Lexis:
    """What strings look like.

    `quotes` end at their own line, `raw` ones may span lines; `triple` is three quotes as in Java; `hashes`
    are Rust's r#"…"# and its quotes that are characters.
    """

    quotes: str = "\"'"
    raw: str = ""
    nested_comments: bool = False
    triple: bool = False
    hashes: bool = False


def blank(text: str, lexis: Lexis) -> str:
    """`text` with the inside of comments and strings replaced by blanks."""
    out = list(text)
    position, end = 0, len(text)
    while position < end:
        stop = _end_of_blank(text, position, lexis) if text[position] in "/'\"`r" else position
        if stop <= position:
            position += 1
            continue
        for index in range(position, min(stop, end)):
            if out[index] != "\n":
                out[index] = " "
        position = stop
    return "".join(out)


def _end_of_blank(text: str, start: int, lexis: Lexis) -> int:
    """Where the comment or string that starts at `start` ends; `start` itself when none does."""
    if text[start] == "/":
        if text.startswith("//", start):
            return _find(text, "\n", start)
        return _comment_end(text, start, lexis.nested_comments) if text.startswith("/*", start) else start
    if lexis.hashes and (special := _RUST.match(text, start)):
        return special.end() if special[1] is None else _find(text, f'"{special[1]}', special.end()) + 1
    if lexis.triple and text.startswith('"""', start):
        return _find(text, '"""', start + 3) + 3
    if text[start] in lexis.quotes:
        return _quote_end(text, start, one_line=True)
    return _quote_end(text, start, one_line=False) if text[start] in lexis.raw else start


def _find(text: str, what: str, start: int) -> int:
    found = text.find(what, start)
    return len(text) if found < 0 else found


def _comment_end(text: str, start: int, nested: bool) -> int:
    depth, position = 1, start + 2
    while depth:
        closing = text.find("*/", position)
        if closing < 0:
            return len(text)
        opening = text.find("/*", position, closing) if nested else -1
        if opening >= 0:
            depth, position = depth + 1, opening + 2
        else:
            depth, position = depth - 1, closing + 2
    return position


def _quote_end(text: str, start: int, *, one_line: bool) -> int:
    quote, position = text[start], start + 1
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == quote:
            return position + 1
        if one_line and character == "\n":
            return position
        position += 1
    return len(text)


def balanced(code: str, start: int, most: int = 2_000) -> int:
    """The position after the bracket that closes the one at `start` in blanked `code`, or -1."""
    depth = 0
    for position in range(start, min(len(code), start + most)):
        if code[position] in "([{":
            depth += 1
        elif code[position] in ")]}":
            depth -= 1
            if depth == 0:
                return position + 1
    return -1


def one_line(text: str, most: int = 300) -> str:
    """`text` with all white space as single blanks, cut at `most` characters."""
    line = " ".join(text.split()).replace("( ", "(").replace(", )", ")").replace(" )", ")")
    return line if len(line) <= most else line[: most - 1] + "…"


def comment_above(lines: list[str], index: int, marker: str = "//") -> str:
    """The comment that ends on the line above `lines[index]`: `marker` lines, or one /** block."""
    above = index - 1
    while above >= 0 and lines[above].lstrip().startswith(("@", "#[")):  # decorators and attributes
        above -= 1
    if above >= 0 and lines[above].rstrip().endswith("*/"):
        return _block_above(lines, above)
    found: list[str] = []
    while above >= 0 and lines[above].lstrip().startswith(marker):
        found.append(lines[above].strip()[len(marker) :].strip(" /!"))
        above -= 1
    return "\n".join(reversed(found)).strip()


def _block_above(lines: list[str], last: int) -> str:
    first = last
    while first >= 0 and "/*" not in lines[first]:
        first -= 1
    if first < 0 or not lines[first].lstrip().startswith("/**"):
        return ""
    body = [
        line.strip().removeprefix("/**").removesuffix("*/").strip(" *") for line in lines[first : last + 1]
    ]
    text = "\n".join(body).strip()
    return text.split("\n@", 1)[0].strip() if not text.startswith("@") else ""

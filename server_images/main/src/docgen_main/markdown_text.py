"""Text as Markdown that data cannot break out of: what templates print with, our own and those of users.

Escaping follows CommonMark 0.31 and, for tables, the GFM specification. What a function here returns is
`Markdown`; everything else that a template prints goes through `finalize` and is escaped as plain text.
"""

import re
import textwrap
from collections.abc import Callable

from docgen_main.workspace.names import display


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


_SPECIAL = re.compile(r"[\\`*\[\]<>|]|~(?=~)|(?<!\w)_|_(?!\w)|&(?=#?\w{1,31};)")
_LEADING = re.compile(r"^(#{1,6}(?=\s|$)|[-+=](?=\s|$|[-=])|\d{1,9}(?=[.)]\s))")
_SPAN = re.compile(r"(`{1,2})([^`\n]{1,300})\1")
_ITEM = re.compile(r"^\s{0,8}[-*+]\s{1,4}")


def text(value: object) -> Markdown:
    """`value` as plain text on one line, shown exactly as it is."""
    line = display(" ".join(str(value).split()))
    line = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    return Markdown(_LEADING.sub(_escape_leading, line))


def _escape_leading(found: re.Match[str]) -> str:
    # a backslash before a digit is a backslash: the list marker's dot is what can be escaped
    return f"{found[0]}&#8203;" if found[0].isdigit() else f"\\{found[0]}"


def code(value: object) -> Markdown:
    """`value` as a code span; invisible characters are escaped, line breaks included."""
    line = display(str(value)) or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{ticks}{pad}{line}{pad}{ticks}")


def cell(value: object) -> Markdown:
    """A code span for a table, where a pipe ends a cell even inside code."""
    return Markdown(code(value).replace("|", "\\|"))


def fence(value: object, language: str = "") -> Markdown:
    """`value` as a fenced block."""
    body = "\n".join(display(line).rstrip() for line in str(value).replace("\t", "    ").split("\n"))
    longest = max((len(run) for run in re.findall(r"`{3,}", body)), default=2)
    ticks = "`" * (longest + 1)
    return Markdown(f"{ticks}{language}\n{body}\n{ticks}")


def inline(value: object) -> Markdown:
    """One line of somebody's prose: its own code spans stay, the rest is plain text."""
    line, parts, last = " ".join(str(value).split()), [], 0
    for found in _SPAN.finditer(line):
        parts += [
            text(line[last : found.start()]) if line[last : found.start()].strip() else "",
            code(found[2]),
        ]
        if line[last : found.start()].endswith(" ") and parts[-2]:
            parts[-2] += " "
        if line[last : found.start()].startswith(" ") and last:
            parts[-2] = " " + parts[-2] if parts[-2] else " "
        last = found.end()
    rest = line[last:]
    if rest:
        parts.append((" " if rest.startswith(" ") and last else "") + (text(rest) if rest.strip() else ""))
    return Markdown("".join(parts))


def prose(value: object) -> Markdown:
    """A docstring or comment: paragraphs, lists and examples keep their shape; nothing in it is markup."""
    blocks = re.split(r"\n[ \t]*\n", str(value).strip("\n"))
    return Markdown("\n\n".join(_block(block.split("\n")) for block in blocks if block.strip()))


def _block(lines: list[str]) -> str:
    if lines[0].startswith((">>>", "    ", "\t")) and all(
        line.startswith((">>>", "...", " ", "\t")) for line in lines
    ):
        return fence(textwrap.dedent("\n".join(lines)))
    if lines[0].lstrip().startswith(("```", "~~~")):
        inner = (line for line in lines if not line.lstrip().startswith(("```", "~~~")))
        return fence(textwrap.dedent("\n".join(inner)))
    if lines[0].startswith(">>>"):
        return fence("\n".join(lines))
    if (
        lines[0].rstrip().endswith(":")
        and len(lines) > 1
        and all(line.startswith((" ", "\t")) for line in lines[1:])
    ):
        return inline(lines[0]) + "\n\n" + _items(lines[1:])
    if _ITEM.match(lines[0]):
        return _items(lines)
    starts = [number for number, line in enumerate(lines) if _ITEM.match(line)]
    if starts:
        return inline(" ".join(lines[: starts[0]])) + "\n\n" + _items(lines[starts[0] :])
    return inline(" ".join(lines))


def _items(lines: list[str]) -> str:
    indent = len(lines[0]) - len(lines[0].lstrip())
    items: list[str] = []
    for line in lines:
        here = len(line) - len(line.lstrip())
        if items and (here > indent or (_ITEM.match(lines[0]) and not _ITEM.match(line))):
            items[-1] += " " + line.strip()
        else:
            items.append(_ITEM.sub("", line).strip())
    return "\n".join(f"- {inline(item)}" for item in items)


def plural(count: int, word: str, many: str = "") -> str:
    """Give `count` and the word for it, as in "1 file" and "2 files"."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def finalize(value: object) -> object:
    """`value` as it is when it is Markdown already, else as plain text; None is nothing."""
    return value if isinstance(value, Markdown) else text("" if value is None else value)


#: the filters by name; one takes a count and a word and gives text
FILTERS: dict[str, Callable[..., str]] = {
    "text": text,
    "code": code,
    "cell": cell,
    "fence": fence,
    "inline": inline,
    "prose": prose,
    "plural": plural,
}


def tidy(markdown: str) -> str:
    """`markdown` with one blank line in a row at most outside fences, none around, and an end of line."""
    lines: list[str] = []
    fenced = ""
    for line in markdown.strip().split("\n"):
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if len(ticks) >= 3 and not fenced:
            fenced = ticks
        elif fenced and line == fenced:
            fenced = ""
        if line or fenced or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""

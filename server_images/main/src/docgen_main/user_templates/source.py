"""The text of a template: TOML front matter between `+++` lines that declares, then the body that prints.

TOML because its reader is in Python's standard library and knows no aliases, tags or guessed types. What is
read here may come from anybody: size first, then characters, then structure, each refused with its place.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from docgen_main.user_templates.declaration import Declaration, declare
from docgen_main.user_templates.errors import RefusedTemplateError
from docgen_main.workspace.names import display

SOURCE_BYTES = 128 << 10
FRONT_BYTES = 32 << 10
FENCE = "+++"
#: control characters but tab and line feed, and those that turn the direction of what follows
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text as it is stored, what it declares, and its body.

    `lines_before` is how many lines of the text come before the body's first.
    """

    text: str
    declaration: Declaration
    body: str
    lines_before: int


def parse(text: str, name: str) -> Source:
    """The template `text` of template `name`. Raises `RefusedTemplateError` naming line or key."""
    text = plain(text)
    front, body, lines_before = split(text)
    if len(front.encode()) > FRONT_BYTES:
        raise RefusedTemplateError(f"the front matter has more than {FRONT_BYTES} bytes", rule="size")
    return Source(text, declare(read_front(front), name), body, lines_before)


def plain(text: str, most: int = SOURCE_BYTES) -> str:
    """`text` with LF ends and no byte order mark. Raises `RefusedTemplateError` when it is no plain text."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise RefusedTemplateError("a template must be valid Unicode", rule="text") from None
    if size > most:
        raise RefusedTemplateError(
            f"the template has {size} bytes; at most {most} may: move parts into templates of their "
            "own and include them",
            rule="size",
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _INVISIBLE.search(text)
    if found:
        number = text.count("\n", 0, found.start()) + 1
        raise RefusedTemplateError(
            f"line {number} has the invisible character U+{ord(found[0]):04X}: remove it", rule="text"
        )
    return text


def split(text: str) -> tuple[str, str, int]:
    """Front matter ("" when there is none), body, and the number of lines before the body."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return "", text, 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 1
    raise RefusedTemplateError(
        f"the front matter has no end: close it by a line {FENCE}", rule="front matter"
    )


def read_front(front: str) -> dict[str, Any]:
    """The values of the front matter. Raises `RefusedTemplateError` with its line."""
    try:
        return tomllib.loads("\n" + front)  # so that its lines are counted from the opening line
    except RecursionError:
        raise RefusedTemplateError("the front matter is nested too deeply", rule="front matter") from None
    except ValueError as error:
        raise RefusedTemplateError(
            f"the front matter is not TOML: {display(str(error)[:200])}", rule="front matter"
        ) from None

"""Names of headings in addresses, and the table of contents."""

import re
from dataclasses import dataclass, field
from html import escape

from docgen_main.html.limits import CONTENTS_ENTRIES
from docgen_main.html.words import breakable

_DROPPED = re.compile(r"[^\w\- ]")
_DEEPEST = 4


@dataclass(slots=True)
class Heading:
    """A heading: its level (1 to 6), its name in addresses, its text, and the headings below it."""

    level: int
    anchor: str
    text: str
    below: "list[Heading]" = field(default_factory=list)


class Anchors:
    """Gives each heading a name of its own, made as hosting sites of code make it."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def name(self, text: str) -> str:
        """The name for a heading of this text; a second one of the same text gets a number."""
        base = _DROPPED.sub("", text.strip().lower()).replace(" ", "-") or "section"
        name = base
        while name in self._given:
            self._given[base] += 1
            name = f"{base}-{self._given[base]}"
        self._given[name] = 0
        return name


def outline(headings: list[Heading]) -> list[Heading]:
    """The headings of levels 2 to 4 as a tree, with fewer levels where they would be too many."""
    deepest = _DEEPEST
    while deepest > 2 and sum(1 for one in headings if 2 <= one.level <= deepest) > CONTENTS_ENTRIES:
        deepest -= 1
    chosen = [one for one in headings if 2 <= one.level <= deepest]
    top: list[Heading] = []
    open_ones: list[Heading] = []
    for heading in chosen[:CONTENTS_ENTRIES]:
        while open_ones and open_ones[-1].level >= heading.level:
            open_ones.pop()
        (open_ones[-1].below if open_ones else top).append(heading)
        open_ones.append(heading)
    return top


def contents(headings: list[Heading]) -> str:
    """The tree of headings as nested lists of links."""
    if not headings:
        return ""
    items = "".join(
        f'<li><a href="#{escape(one.anchor)}">{breakable(one.text)}</a>{contents(one.below)}</li>'
        for one in headings
    )
    return f"<ol>{items}</ol>"

"""A section of a document."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docgen_main.documents.markdown import render

#: sources that are no files: the listing of the project's files, the history of the repository, the answers
FILES = "."
HISTORY = ".git"
ANSWERS = "?"

_WORD = re.compile(r"[a-z0-9]+")
_ID_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document, with a heading of its own.

    `id` stays the same as long as the section is about the same thing, whatever its title says. `draft` gives
    its Markdown from facts alone, or "" when there are no facts for it. `sources` gives the paths of the
    files that these facts come from, or `FILES`, `HISTORY`, `ANSWERS`. `guidance` says in a sentence what
    readers want from it.
    """

    id: str
    title: str
    draft: Callable[[], str]
    sources: Callable[[], Iterable[str]]
    guidance: str = ""


def section(
    title: str,
    template: str,
    facts: Callable[[], dict[str, object] | None],
    *,
    id: str = "",  # noqa: A002 - what it is called everywhere
    sources: Callable[[], Iterable[str]] = lambda: (FILES,),
    guidance: str = "",
) -> Section:
    """A section that fills `template` with `facts()`; without facts (None) it is left out."""

    def filled() -> str:
        found = facts()
        return "" if found is None else render(template, **found)

    return Section(id or section_id(title), title, filled, sources, guidance)


def section_id(title: str) -> str:
    """An id made of the words of `title`."""
    return "-".join(_WORD.findall(title.lower()))[:_ID_LENGTH] or "section"

"""A section of a document."""

from collections.abc import Callable
from dataclasses import dataclass

from docgen_main.documents.markdown import render


@dataclass(frozen=True, slots=True)
class Section:
    """A title and a function that gives the section's Markdown, or "" when there are no facts for it."""

    title: str
    render: Callable[[], str]


def section(title: str, template: str, facts: Callable[[], dict[str, object] | None]) -> Section:
    """A section that fills `template` with `facts()`; without facts (None) it is left out."""

    def filled() -> str:
        found = facts()
        return "" if found is None else render(template, **found)

    return Section(title, filled)

"""The sections of a document from facts alone, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from docgen_main.documents.brief import Brief
from docgen_main.documents.kinds import Kind
from docgen_main.documents.section import Section
from docgen_main.facts import Project


@dataclass(frozen=True, slots=True)
class Draft:
    """One section with facts: its Markdown, its place, and how many sections there are at most."""

    section: Section
    id: str
    markdown: str
    index: int
    total: int


def drafts(kind: Kind, project: Project, brief: Brief) -> Iterator[Draft]:
    """The sections of a document of that kind that have facts, in order; each id occurs once.

    `total` is how many sections there can be at most: those that turn out to have no facts drop out of it.
    """
    candidates = list(kind.sections(project, brief))
    taken: set[str] = set()
    done = 0
    for position, candidate in enumerate(candidates, 1):
        markdown = candidate.draft()
        if not markdown.strip():
            continue
        own = _free(candidate.id, taken)
        taken.add(own)
        yield Draft(candidate, own, markdown, done, total=done + 1 + len(candidates) - position)
        done += 1


def _free(wanted: str, taken: set[str]) -> str:
    number = 2
    own = wanted
    while own in taken:
        own = f"{wanted}-{number}"
        number += 1
    return own

"""Putting a document together, one section at a time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from docgen_main.documents.kinds import Kind
from docgen_main.facts import Project


@dataclass(frozen=True, slots=True)
class Rendered:
    """One finished section: its place among those written so far, and how many there are at most."""

    title: str
    markdown: str
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Composed:
    """A finished document."""

    titles: tuple[str, ...]
    content: bytes
    sha256: str


def compose(kind: Kind, project: Project, title: str) -> Iterator[Rendered | Composed]:
    """The sections of a document as they are finished, and at last the document itself.

    `total` is how many sections there can be at most: those that turn out to have no facts drop out of it.
    """
    candidates = list(kind.sections(project, title))
    done: list[tuple[str, str]] = []
    for position, candidate in enumerate(candidates, 1):
        markdown = candidate.render()
        if markdown.strip():
            done.append((candidate.title, markdown))
            yield Rendered(
                candidate.title, markdown, len(done) - 1, total=len(done) + len(candidates) - position
            )
    content = "\n".join(markdown for _, markdown in done).encode()
    yield Composed(tuple(title for title, _ in done), content, hashlib.sha256(content).hexdigest())

"""A whole document from facts alone, without a model, a record or marks: what checks look at."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from docgen_main.documents.brief import Brief
from docgen_main.documents.drafts import drafts
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


def compose(
    kind: Kind, project: Project, title: str = "", brief: Brief | None = None
) -> Iterator[Rendered | Composed]:
    """The sections of a document as they are finished, and at last the document itself."""
    done = []
    for draft in drafts(kind, project, brief or Brief(title)):
        done.append(draft)
        yield Rendered(draft.section.title, draft.markdown, draft.index, draft.total)
    content = "\n".join(draft.markdown for draft in done).encode()
    titles = tuple(draft.section.title for draft in done)
    yield Composed(titles, content, hashlib.sha256(content).hexdigest())

"""What is wanted, and what came of it."""

from dataclasses import dataclass, field
from typing import Literal

from docgen_main.documents.brief import Brief
from docgen_main.documents.kinds import Kind
from docgen_main.documents.provenance import Source
from docgen_main.documents.writer import EMBEDDED, Usage
from docgen_main.facts.model import Skipped
from docgen_main.workspace import Path

#: what happened to a section: written, left as it was because its facts are the same, or left to people
State = Literal["written", "unchanged", "edited"]

Format = Literal["markdown", "html"]


@dataclass(frozen=True, slots=True)
class Order:
    """A document that somebody wants.

    `target` is the file to write. `model` names the writer (None: the kind's own chain). `owner` is the id of
    the key on whose behalf. With `update` True what people wrote in an existing document is kept and only
    sections with new facts are written; with False it is made anew; None is False but refuses to lose what
    people wrote. An HTML page is always made anew.
    """

    kind: Kind
    target: Path
    brief: Brief
    model: str | None = None
    owner: str | None = None
    update: bool | None = None
    format: Format = "markdown"


@dataclass(frozen=True, slots=True)
class MadeSection:
    """One finished section: `index` of `total` at most, its text, who wrote it from which sources."""

    id: str
    title: str
    markdown: str
    index: int
    total: int
    state: State
    model: str = EMBEDDED
    usage: Usage = field(default_factory=Usage)
    passed_over: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """A finished and written document.

    `dropped` are ids of sections that people had taken out; `orphans` of sections that people edited and
    whose facts are gone: they stay.
    """

    path: str
    uri: str
    size: int
    sha256: str
    sections: tuple[MadeSection, ...]
    dropped: tuple[str, ...]
    orphans: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    duration_ms: int

"""Who words a section: the embedded writer, or a language model in front of it.

A section is first made from facts alone (the draft). A writer may word it better; what it returns is checked
against the same facts. The embedded writer returns the draft and cannot fail, and so ends every chain.
"""

from dataclasses import dataclass, field
from typing import Protocol

from docgen_main.documents.known_names import KnownNames

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """A section to be worded: kind of document, its title, the section's id and title, and the draft.

    `draft` is Markdown made from facts alone; `known` are the names that may be mentioned; `guidance` says in
    a sentence what readers want from this section.
    """

    kind: str
    document: str
    section: str
    title: str
    draft: str
    known: KnownNames
    guidance: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a section took: tokens in and out, and US dollars (None where no price is known)."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class SectionText:
    """A complete section: Markdown, which model wrote it, what it took.

    `passed_over` names the models that were tried before and why they did not do it ("openai/gpt-x: rate
    limited"); `removed` are claims that named what does not exist.
    """

    markdown: str
    model: str = EMBEDDED
    usage: Usage = field(default_factory=Usage)
    passed_over: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class SectionWriter(Protocol):
    """Words one section. Returns only complete sections, and does not raise but for cancellation."""

    async def write(self, request: SectionRequest) -> SectionText:
        """The section, worded."""


class EmbeddedWriter:
    """Leaves the draft as it is."""

    async def write(self, request: SectionRequest) -> SectionText:
        """The draft."""
        return SectionText(request.draft)


class Writers(Protocol):
    """The writers there are."""

    @property
    def models(self) -> tuple[str, ...]:
        """What a caller may name: `EMBEDDED` and the models that are configured."""

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:
        """Who words documents of `kind`: the chain configured for it, or one that begins with `model`.

        Raises `UnknownModelError` for a model that is none of `models`.
        """


class UnknownModelError(ValueError):
    """Nobody configured a model of that name; `str()` lists those that there are."""


class EmbeddedWriters:
    """The embedded writer and nobody else."""

    models = (EMBEDDED,)

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:  # noqa: ARG002 - one for all
        """The embedded writer."""
        if model not in (None, EMBEDDED):
            raise UnknownModelError(
                f"there is no model {model!r}; there is {EMBEDDED} (add others under models: in docgen.yaml)"
            )
        return EmbeddedWriter()

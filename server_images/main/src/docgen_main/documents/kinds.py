"""The kinds of documents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from docgen_main.documents import api_reference, architecture, changelog, readme
from docgen_main.documents.section import Section
from docgen_main.facts import Project


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: name on the wire, title, what it is for, file name, sections in order."""

    name: str
    title: str
    description: str
    file_name: str
    sections: Callable[[Project, str], Iterator[Section]]


_ALL = (
    Kind(
        "readme",
        "README",
        "What the project is, how to install, run and test it, how it is laid out, and what changed lately.",
        "README.md",
        readme.sections,
    ),
    Kind(
        "architecture",
        "Architecture",
        "The components, which imports which (with a diagram), entry points, data and dependencies.",
        "ARCHITECTURE.md",
        architecture.sections,
    ),
    Kind(
        "api-reference",
        "API reference",
        "Every public module, class and function with its signature and documentation.",
        "API-REFERENCE.md",
        api_reference.sections,
    ),
    Kind(
        "changelog",
        "Changelog",
        "What changed in each tagged version, from the repository's history.",
        "CHANGELOG.md",
        changelog.sections,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

__all__ = ["KINDS", "Kind", "Section"]

"""The kinds of documents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from docgen_main.documents import api_reference, architecture, changelog, readme
from docgen_main.documents.brief import Brief
from docgen_main.documents.section import Section
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: name on the wire, title, what it is for, file name, sections in order.

    `questions` are what only a person knows: without answers to the required ones no document is made.
    `wanted` says what a reader hopes for that facts alone do not give. `template` and its version are those
    of a kind that users made.
    """

    name: str
    title: str
    description: str
    file_name: str
    sections: Callable[[Project, Brief], Iterator[Section]]
    questions: tuple[Variable, ...] = ()
    wanted: str = ""
    template: str = ""
    template_version: int = 0


def _api_reference(project: Project, brief: Brief) -> Iterator[Section]:
    return api_reference.sections(project, brief.title)


_ALL = (
    Kind(
        "readme",
        "README",
        "What the project is, how to install, run and test it, how it is laid out, and what changed lately.",
        "README.md",
        readme.sections,
        wanted="Say in two sentences who needs the project and why; put the first success in five lines.",
    ),
    Kind(
        "architecture",
        "Architecture",
        "The components, which imports which (with a diagram), entry points, data and dependencies.",
        "ARCHITECTURE.md",
        architecture.sections,
        wanted="Explain why the components are cut as they are; follow one request through them.",
    ),
    Kind(
        "api-reference",
        "API reference",
        "Every public module, class and function with its signature and documentation.",
        "API-REFERENCE.md",
        _api_reference,
        wanted="Add a short example of use to each component, made only of names it has.",
    ),
    Kind(
        "changelog",
        "Changelog",
        "What changed in each tagged version, from the repository's history.",
        "CHANGELOG.md",
        changelog.sections,
        wanted="Say for each release what users notice; drop what only maintainers care about.",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

__all__ = ["KINDS", "Kind", "Section"]

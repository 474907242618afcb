"""The kinds of documents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from docgen_main.documents import (
    adr,
    api_reference,
    architecture,
    changelog,
    readme,
    release_notes,
    requirements,
    runbook,
    testing_plan,
    tutorial,
)
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
    Kind(
        "release-notes",
        "Release notes",
        "What one version brings, from the repository's history: breaking changes first.",
        "RELEASE-NOTES.md",
        release_notes.sections,
        release_notes.QUESTIONS,
        wanted="Tell users in plain words what they gain and what they have to change.",
    ),
    Kind(
        "getting-started",
        "Getting-started tutorial",
        "From a clone to a first success: what is needed, how to install, run, use and change it.",
        "GETTING-STARTED.md",
        tutorial.sections,
        wanted="Lead a newcomer step by step; say after each step what should be seen.",
    ),
    Kind(
        "runbook",
        "Runbook",
        "How to start, stop, watch and configure what runs, from compose files, Dockerfiles and commands.",
        "RUNBOOK.md",
        runbook.sections,
        runbook.QUESTIONS,
        wanted="Write for somebody who was just woken up: what to look at first, then what to do.",
    ),
    Kind(
        "adr",
        "Architecture decision record",
        "A decision, its context and consequences as people answer, beside the parts it names.",
        "decisions/{decision}.md",
        adr.sections,
        adr.QUESTIONS,
        wanted="Make context and consequences clear to somebody who joins in two years.",
    ),
    Kind(
        "requirements",
        "Requirements",
        "What people want of the project, numbered, beside what it offers and stands on today.",
        "REQUIREMENTS.md",
        requirements.sections,
        requirements.QUESTIONS,
        wanted="Make each requirement one that a test can decide.",
    ),
    Kind(
        "test-plan",
        "Test plan",
        "Goals and risks as people answer, beside the tests there are and the modules that none imports.",
        "TEST-PLAN.md",
        testing_plan.sections,
        testing_plan.QUESTIONS,
        wanted="Turn each risk into the test that would have caught it.",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

__all__ = ["KINDS", "Kind", "Section"]

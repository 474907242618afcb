"""Requirements: what people want of the project, numbered, beside what it has and stands on today."""

from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.api_reference import count_names
from docgen_main.documents.brief import Brief
from docgen_main.documents.section import ANSWERS, Section, section
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project

QUESTIONS = (
    Variable("purpose", "What is it for: which problem of whom does it solve?"),
    Variable("users", "Who uses it? One role a line.", type="list"),
    Variable("must", "What must it do? One requirement a line.", type="list"),
    Variable(
        "qualities",
        "How well (speed, safety, availability …), in figures that can be tested? One a line.",
        type="list",
        required=False,
    ),
    Variable(
        "constraints", "What is it bound to (law, platforms, dates)? One a line.", type="list", required=False
    ),
    Variable("out_of_scope", "What shall it not do? One a line.", type="list", required=False),
)


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of a requirements page: answers first, then what the project offers and needs today."""
    answers = brief.answers
    yield section(
        "Purpose",
        "requirements_purpose.md.j2",
        lambda: {
            "title": brief.title or (f"Requirements of {project.name}" if project.name else "Requirements"),
            "purpose": answers["purpose"],
            "users": answers["users"],
        },
        sources=lambda: (ANSWERS, *come_from.identity(project)),
    )
    for name, title, letter in (
        ("must", "Functional requirements", "F"),
        ("qualities", "Qualities", "Q"),
        ("constraints", "Constraints", "C"),
        ("out_of_scope", "Out of scope", "X"),
    ):
        yield _numbered(title, letter, answers.get(name))
    yield section(
        "What it offers today",
        "requirements_offers.md.j2",
        lambda: _offers(project),
        id="offers",
        sources=lambda: (*come_from.entries(project), *come_from.public_modules(project)),
    )
    yield section(
        "What it stands on today",
        "requirements_stands_on.md.j2",
        lambda: _stands_on(project),
        id="stands-on",
        sources=lambda: come_from.manifests(project),
    )


def _numbered(title: str, letter: str, items: object) -> Section:
    facts = {"title": title, "letter": letter, "items": items}
    return section(
        title, "requirements_list.md.j2", lambda: facts if items else None, sources=lambda: (ANSWERS,)
    )


def _offers(project: Project) -> dict[str, object] | None:
    components = [(name, count) for name, modules in project.components if (count := count_names(modules))]
    if not project.entries and not components:
        return None
    return {"entries": project.entries[:20], "components": components[:40]}


def _stands_on(project: Project) -> dict[str, object] | None:
    needs = [(m.ecosystem, m.runtime, m.path) for m in project.manifests if m.runtime and "/" not in m.path]
    packages = [
        (dependency.name, dependency.constraint, manifest.path)
        for manifest, declared in project.dependencies
        for dependency in declared
        if not dependency.group and "/" not in manifest.path
    ]
    return {"needs": needs, "packages": packages[:80]} if needs or packages else None

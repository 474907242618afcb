"""Architecture decision record: a decision that people made, and the facts around it."""

import re
from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.section import ANSWERS, FILES, Section, section
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project

QUESTIONS = (
    Variable("decision", "What was decided, in one sentence?"),
    Variable("context", "Which problem or force made a decision necessary?"),
    Variable("consequences", "What becomes easier, and what harder? One consequence a line.", type="list"),
    Variable("options", "Which options were considered? One a line.", type="list", required=False),
    Variable("reason", "Why this option and not another?", required=False),
    Variable(
        "status",
        "What is its status?",
        type="choice",
        required=False,
        default="proposed",
        choices=("proposed", "accepted", "rejected", "deprecated", "superseded"),
    ),
)
_RECORD = re.compile(
    r"(?:^|/)(?:adrs?|decisions|decision-records)/(\d{3,4})[-_][^/]{1,200}\.(?:md|rst|adoc)$"
)
_SHOWN = 20


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of a record: what people answered, then the parts of the project that it names."""
    answers = brief.answers
    yield section(
        "Decision",
        "adr_decision.md.j2",
        lambda: {
            "title": brief.title or str(answers["decision"]).rstrip("."),
            "number": next_number(project),
            "status": answers["status"],
            "decision": answers["decision"] if brief.title else "",
        },
        sources=lambda: (ANSWERS, FILES),
    )
    for name, title in (("context", "Context"), ("options", "Options"), ("reason", "Reason")):
        yield _answered(brief, name, title)
    yield _answered(brief, "consequences", "Consequences")
    yield section(
        "Parts that are named",
        "adr_parts.md.j2",
        lambda: _parts(project, brief),
        id="parts",
        sources=lambda: (ANSWERS, *come_from.modules(project)),
    )
    yield section(
        "Earlier decisions",
        "adr_earlier.md.j2",
        lambda: {"records": found[-_SHOWN:]} if (found := earlier(project)) else None,
        id="earlier",
    )


def earlier(project: Project) -> list[str]:
    """Paths of the decision records that the project has, in order of their numbers."""
    found = [(int(match[1]), path) for path in project.paths if (match := _RECORD.search(path))]
    return [path for _, path in sorted(found)]


def next_number(project: Project) -> str:
    """The number after that of the newest record, as wide as theirs; "" when there are none."""
    matches = [match[1] for path in project.paths if (match := _RECORD.search(path))]
    newest = max(matches, key=int, default="")
    return str(int(newest) + 1).zfill(len(newest)) if newest else ""


def _answered(brief: Brief, name: str, title: str) -> Section:
    value = brief.answers.get(name)
    if isinstance(value, list):
        filled: dict[str, object] = {"title": title, "items": value}
        return section(
            title, "answer_list.md.j2", lambda: filled if value else None, sources=lambda: (ANSWERS,)
        )
    said: dict[str, object] = {"title": title, "said": value}
    return section(title, "answer.md.j2", lambda: said if value else None, sources=lambda: (ANSWERS,))


def _parts(project: Project, brief: Brief) -> dict[str, object] | None:
    """Components that the answers name: a name of several parts, or one in backticks."""
    said = "\n".join(str(value) for value in brief.answers.values())
    named = [
        (
            name,
            modules[0].path.rpartition("/")[0] or ".",
            sorted(e.target for e in project.edges if e.source == name),
        )
        for name, modules in project.components
        if f"`{name}`" in said
        or (re.search(r"[./]", name) and re.search(rf"(?<![\w./]){re.escape(name)}(?![\w/])", said))
    ]
    return {"rows": named} if named else None

"""Runbook: how to start, stop, watch and configure what the project runs."""

from collections.abc import Callable, Iterator

from docgen_main.documents import operating
from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.readme import not_covered
from docgen_main.documents.section import ANSWERS, FILES, Section, section
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project
from docgen_main.facts.model import Command, Route

QUESTIONS = (
    Variable("contact", "Who is called when it is down, and how?", required=False),
    Variable("where", "Where does it run (hosts, clusters, accounts)?", required=False),
    Variable(
        "known_failures", "Which failures are known, and what helps? One a line.", type="list", required=False
    ),
)


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of a runbook of `project`."""
    yield section(
        "Overview",
        "runbook_overview.md.j2",
        lambda: _overview(project, brief),
        sources=lambda: (*come_from.identity(project), *_files(project), ANSWERS),
        guidance="What runs here, and whom to call.",
    )
    yield _commands(project, "Start", operating.starting)
    yield _commands(project, "Stop", operating.stopping)
    yield _commands(project, "Health", operating.looking)
    yield _commands(project, "Logs", operating.logging)
    yield section(
        "Containers and processes",
        "stated.md.j2",
        lambda: _stated(
            "Containers and processes", [*operating.containers(project), *operating.processes(project)]
        ),
        id="containers",
        sources=lambda: _files(project),
    )
    yield section(
        "Environment variables",
        "environment.md.j2",
        lambda: {"variables": project.environment} if project.environment else None,
        sources=lambda: _readers(project),
        guidance="What has to be set before it starts.",
    )
    yield section(
        "Configuration files",
        "configuration_files.md.j2",
        lambda: {"files": project.configuration} if project.configuration else None,
        sources=lambda: project.configuration,
    )
    yield section(
        "Known failures",
        "answer_list.md.j2",
        lambda: _listed("Known failures", brief.answers.get("known_failures")),
        sources=lambda: (ANSWERS,),
    )
    yield section("Not covered", "not_covered.md.j2", lambda: not_covered(project))


def _overview(project: Project, brief: Brief) -> dict[str, object]:
    stated = [what for what in operating.containers(project) if what.name == "EXPOSE"]
    nothing = not (operating.starting(project) or stated or operating.processes(project))
    return {
        "title": brief.title or (f"Runbook of {project.name}" if project.name else "Runbook"),
        "files": len(project.inventory.files),
        "summary": project.summary,
        "services": operating.services(project),
        "compose": operating.compose_file(project),
        "ports": stated,
        "contact": brief.answers.get("contact", ""),
        "where": brief.answers.get("where", ""),
        "nothing": nothing,
    }


def _commands(project: Project, title: str, find: Callable[[Project], list[Command]]) -> Section:
    probing = operating.probes if title == "Health" else _nothing

    def facts() -> dict[str, object] | None:
        commands, probes = find(project), probing(project)
        return {"title": title, "commands": commands, "probes": probes} if commands or probes else None

    def sources() -> list[str]:
        found = [*(c.source for c in find(project)), *(p.source for p in probing(project))]
        return list(dict.fromkeys(found))

    return section(title, "run_commands.md.j2", facts, sources=sources)


def _nothing(_: Project) -> list[Route]:
    return []


def _stated(title: str, stated: list[operating.Stated]) -> dict[str, object] | None:
    return {"title": title, "rows": stated} if stated else None


def _listed(title: str, items: object) -> dict[str, object] | None:
    return {"title": title, "items": items} if items else None


def _files(project: Project) -> list[str]:
    found = [what.source for what in [*operating.containers(project), *operating.processes(project)]]
    return list(dict.fromkeys([FILES, *found, *filter(None, [operating.compose_file(project)])]))


def _readers(project: Project) -> list[str]:
    return list(dict.fromkeys(path for found in project.environment for path in found.sources))

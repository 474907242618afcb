"""Release notes: what one version brings to the people who use it."""

from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.changelog import Entry, entries_by_group, releases
from docgen_main.documents.section import ANSWERS, HISTORY, Section, section, section_id
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project
from docgen_main.facts.model import Commit

QUESTIONS = (
    Variable(
        "version", "Which tagged version? (default: what no tag has yet, else the newest)", required=False
    ),
    Variable("highlights", "What should users know first? One a line.", type="list", required=False),
)


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """What is to know of one release, then its changes by group."""
    name, date, commits, before = _chosen(project, str(brief.answers.get("version", "")))
    groups = dict(entries_by_group(commits))
    breaking = [entry for entries in groups.values() for entry in entries if entry.breaking]
    yield section(
        "Overview",
        "release_notes_overview.md.j2",
        lambda: _overview(project, brief, name, date, commits, before),
        sources=lambda: (HISTORY, *come_from.identity(project), ANSWERS),
        guidance="What this version means for its users, in three sentences.",
    )
    yield section(
        "Highlights",
        "answer_list.md.j2",
        lambda: (
            {"title": "Highlights", "items": brief.answers["highlights"]}
            if brief.answers.get("highlights")
            else None
        ),
        sources=lambda: (ANSWERS,),
    )
    yield _changes("Breaking changes", breaking)
    for group, entries in groups.items():
        yield _changes(group or "Changes", [entry for entry in entries if not entry.breaking])
    yield section(
        "Contributors",
        "contributors.md.j2",
        lambda: {"names": names} if (names := _authors(commits)) else None,
        sources=lambda: (HISTORY,),
    )


def _chosen(project: Project, version: str) -> tuple[str, str, list[Commit], str]:
    """Name ("" for unreleased), date, commits of the release, and the tag before it."""
    found = releases(project.history)
    names = [name for name, _, _ in found]
    at = names.index(version) if version in names else 0
    if not found:
        return "", "", [], ""
    name, date, commits = found[at]
    own = [commit for commit in commits if len(commit.parents) < 2]
    return name, date, own, names[at + 1] if at + 1 < len(names) else ""


def _overview(
    project: Project, brief: Brief, name: str, date: str, commits: list[Commit], before: str
) -> dict[str, object]:
    wanted = str(brief.answers.get("version", ""))
    of = f"{project.name} {name}".strip()
    return {
        "title": brief.title or f"Release notes: {of or 'unreleased'}",
        "name": name,
        "date": date,
        "before": before,
        "commits": len(commits),
        "problem": project.history.problem,
        "unknown": wanted if wanted and wanted != name else "",
    }


def _changes(title: str, entries: list[Entry]) -> Section:
    return section(
        title,
        "release_changes.md.j2",
        lambda: {"title": title, "entries": entries} if entries else None,
        id=section_id(title),
        sources=lambda: (HISTORY,),
        guidance="What users notice, without what only maintainers care about.",
    )


def _authors(commits: list[Commit]) -> list[str]:
    return sorted({commit.author.partition("<")[0].strip() for commit in commits} - {""})

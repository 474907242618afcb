"""Changelog: what each tagged version brought, from the history."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.section import HISTORY, Section, section, section_id
from docgen_main.facts import Project
from docgen_main.facts.model import Commit, History

_CONVENTIONAL = re.compile(r"^([a-z]{2,12})(?:\(([^)]{1,60})\))?(!)?: (.+)$")
_GROUPS = {
    "feat": "Added",
    "fix": "Fixed",
    "perf": "Faster",
    "refactor": "Changed",
    "revert": "Reverted",
    "docs": "Documentation",
    "build": "Build",
    "ci": "Build",
    "deps": "Build",
    "test": "Tests",
    "style": "Other",
    "chore": "Other",
}
_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a changelog."""

    text: str
    scope: str
    breaking: bool
    commit: str


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """A head, then one section for each release, newest first."""
    yield section(
        "Overview",
        "changelog_overview.md.j2",
        lambda: _overview(project, brief.title),
        sources=lambda: (HISTORY, *come_from.identity(project)),
    )
    for name, date, commits in releases(project.history):
        yield section(
            name or "Unreleased",
            "release.md.j2",
            partial(_release, name, date, commits),
            id=f"release-{section_id(name)}" if name else "unreleased",
            sources=lambda: (HISTORY,),
            guidance="What users notice in this version.",
        )


def _overview(project: Project, title: str) -> dict[str, object]:
    history = project.history
    return {
        "title": title or (f"Changelog of {project.name}" if project.name else "Changelog"),
        "commits": len(history.commits),
        "complete": history.complete,
        "problem": history.problem,
        "files": len(project.inventory.files),
    }


def releases(history: History) -> list[tuple[str, str, list[Commit]]]:
    """Tag ("" for what no tag has yet), its date, and the commits it brought, newest release first.

    A commit belongs to the oldest tag that contains it.
    """
    by_id = {commit.id: commit for commit in history.commits}
    position = {commit.id: number for number, commit in enumerate(history.commits)}
    marked = sorted((i for i in history.tags if i in by_id), key=lambda i: -position[i])
    taken: set[str] = set()
    found = []
    for mark in marked:
        own = _reachable(mark, by_id, taken)
        taken |= own
        commits = sorted((by_id[i] for i in own), key=lambda commit: position[commit.id])
        found.append((_tag_name(history.tags[mark]), _date(by_id[mark]), commits))
    rest = [commit for commit in history.commits if commit.id not in taken]
    return ([("", "", rest)] if rest else []) + found[::-1]


def _reachable(start: str, by_id: dict[str, Commit], taken: set[str]) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if here in found or here in taken or here not in by_id:
            continue
        found.add(here)
        waiting.extend(by_id[here].parents)
    return found


def _tag_name(names: tuple[str, ...]) -> str:
    versions = [name for name in names if re.match(r"v?\d", name)]
    return (versions or list(names))[0]


def _date(commit: Commit) -> str:
    return datetime.fromtimestamp(commit.time, UTC).date().isoformat()


def _release(name: str, date: str, commits: list[Commit]) -> dict[str, object] | None:
    own = [commit for commit in commits if len(commit.parents) < 2]
    if not own:
        return None
    return {
        "name": name or "Unreleased",
        "date": date,
        "groups": entries_by_group(own),
        "more": len(own) - _ENTRIES,
    }


def entries_by_group(commits: list[Commit]) -> list[tuple[str, list[Entry]]]:
    """The first 200 commits as entries, by group; one group "" when most follow no convention."""
    conventional = sum(1 for commit in commits if _kind(commit)) * 2 >= len(commits)
    groups: dict[str, list[Entry]] = {group: [] for group in _GROUPS.values()} if conventional else {"": []}
    for commit in commits[:_ENTRIES]:
        group = (_kind(commit) or "Other") if conventional else ""
        groups[group].append(_entry(commit, conventional))
    return [(group, entries) for group, entries in groups.items() if entries]


def _kind(commit: Commit) -> str:
    match = _CONVENTIONAL.match(commit.subject)
    return _GROUPS.get(match[1], "") if match else ""


def _entry(commit: Commit, conventional: bool) -> Entry:
    match = _CONVENTIONAL.match(commit.subject) if conventional and _kind(commit) else None
    breaking = bool(match and match[3]) or "BREAKING CHANGE" in commit.body
    if match is None:
        return Entry(commit.subject, "", breaking, commit.id[:10])
    return Entry(match[4], match[2] or "", breaking, commit.id[:10])

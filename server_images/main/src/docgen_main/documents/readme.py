"""README: the page a newcomer reads first."""

from collections.abc import Iterator
from datetime import UTC, datetime

from docgen_main.documents import getting_started, layout
from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.section import FILES, HISTORY, Section, section
from docgen_main.facts import Project
from docgen_main.facts.model import Module
from docgen_main.facts.prose import first_sentence

_COMMITS = 10
_NAMES = 8
_SPEAKERS = frozenset({"__init__", "index", "lib", "main", "mod", "package-info"})


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of a README about `project`, headed by the brief's title or the project's own name."""
    yield section(
        "Overview",
        "overview.md.j2",
        lambda: _overview(project, brief.title),
        sources=lambda: (*come_from.identity(project), FILES),
        guidance="What the project is, who needs it and why, in a few sentences.",
    )
    yield section(
        "Getting started",
        "getting_started.md.j2",
        lambda: getting_started.facts(project),
        sources=lambda: (*come_from.manifests(project), *come_from.entries(project)),
        guidance="The way from nothing to a first success.",
    )
    yield section(
        "Commands",
        "commands.md.j2",
        lambda: {"commands": project.commands} if project.commands else None,
        sources=lambda: come_from.commands(project),
    )
    yield section(
        "Layout",
        "layout.md.j2",
        lambda: layout.facts(project),
        sources=lambda: (FILES, *come_from.packages(project)),
        guidance="Where to look for what.",
    )
    yield section(
        "Public API",
        "public_api.md.j2",
        lambda: _api(project),
        sources=lambda: come_from.public_modules(project),
        guidance="What other programs can use.",
    )
    yield section(
        "Dependencies",
        "dependencies.md.j2",
        lambda: dependencies(project),
        sources=lambda: come_from.dependencies(project),
    )
    yield section("Tests", "tests.md.j2", lambda: tests(project), sources=lambda: come_from.tests(project))
    yield section(
        "Configuration",
        "configuration.md.j2",
        lambda: _configuration(project),
        sources=lambda: project.configuration,
    )
    yield section(
        "Recent changes", "recent_changes.md.j2", lambda: _changes(project), sources=lambda: (HISTORY,)
    )
    yield section(
        "License", "license.md.j2", lambda: _license(project), sources=lambda: come_from.license_file(project)
    )
    yield section("Not covered", "not_covered.md.j2", lambda: not_covered(project))


def _overview(project: Project, title: str) -> dict[str, object]:
    return {
        "title": title or project.name or "Untitled project",
        "summary": project.summary,
        "files": len(project.inventory.files),
        "languages": project.languages,
        "manifest": project.main,
    }


def _api(project: Project) -> dict[str, object] | None:
    rows = []
    for name, modules in project.components:
        names = list(dict.fromkeys(s.name for module in modules for s in module.symbols if "." not in s.name))
        if names:
            rows.append((name, first_sentence(purpose(modules)), names[:_NAMES], len(names) - _NAMES))
    return {"rows": rows} if rows else None


def purpose(modules: tuple[Module, ...]) -> str:
    """What a component says that it is for: in the module that speaks for it, or in its only one.

    What one of several modules says of itself is not true of them all.
    """
    speakers = modules if len(modules) == 1 else [module for module in modules if _speaks_for_all(module)]
    return next((module.doc for module in speakers if module.doc), "")


def _speaks_for_all(module: Module) -> bool:
    """Whether the module's documentation is that of the package: in Go, that of any file is."""
    stem = module.path.rpartition("/")[2].split(".")[0]
    return module.language == "Go" or stem in _SPEAKERS


def dependencies(project: Project) -> dict[str, object] | None:
    """Declared dependencies: those that running needs in full, the others by name and group."""
    tables = []
    for manifest, declared in project.dependencies:
        needed = [d for d in declared if not d.group]
        groups: dict[str, list[str]] = {}
        for dependency in declared:
            if dependency.group:
                groups.setdefault(dependency.group, []).append(dependency.name)
        tables.append((manifest, needed, groups))
    return {"tables": tables} if tables else None


def tests(project: Project) -> dict[str, object] | None:
    """Where the tests are, and the command that runs them when one is certain."""
    if not project.tests:
        return None
    return {"tests": project.tests, "command": project.test_command}


def _configuration(project: Project) -> dict[str, object] | None:
    return {"files": project.configuration} if project.configuration else None


def _changes(project: Project) -> dict[str, object] | None:
    if not project.history.commits:
        return None
    commits = [
        (datetime.fromtimestamp(commit.time, UTC).date().isoformat(), commit.subject, commit.id[:10])
        for commit in project.history.commits[:_COMMITS]
    ]
    tags = [name for commit in project.history.commits for name in project.history.tags.get(commit.id, ())]
    return {"commits": commits, "branch": project.history.branch, "latest": tags[0] if tags else ""}


def _license(project: Project) -> dict[str, object] | None:
    name, path = project.license
    return {"name": name, "path": path} if name or path else None


def not_covered(project: Project) -> dict[str, object] | None:
    """What the document says nothing about although it is there."""
    skipped = [item for item in project.skipped if item.reason != "a symbolic link"]
    return {"skipped": skipped[:20], "more": len(skipped) - 20} if skipped else None

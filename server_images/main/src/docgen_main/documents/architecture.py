"""Architecture: the parts, and which uses which."""

import re
from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.diagram import component_diagram
from docgen_main.documents.readme import not_covered, purpose, tests
from docgen_main.documents.section import FILES, Section, section
from docgen_main.facts import Project
from docgen_main.facts.model import Module
from docgen_main.facts.prose import first_sentence

_MODULES = 200
_NAMES = 6
_DATA = {"SQL", "Protocol Buffers", "GraphQL", "Jinja", "HTML", "Terraform"}


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of an architecture page about `project`."""
    yield section(
        "Overview",
        "architecture_overview.md.j2",
        lambda: _overview(project, brief.title),
        sources=lambda: (*come_from.identity(project), FILES, *come_from.modules(project)),
        guidance="What the system does and into which parts it is cut.",
    )
    yield section(
        "Components",
        "components.md.j2",
        lambda: _components(project),
        sources=lambda: come_from.modules(project),
        guidance="What each part is for, and what it needs of the others.",
    )
    yield section(
        "Entry points",
        "entry_points.md.j2",
        lambda: {"entries": project.entries} if project.entries else None,
        sources=lambda: come_from.entries(project),
    )
    yield section(
        "Public modules",
        "public_modules.md.j2",
        lambda: _modules(project),
        sources=lambda: come_from.public_modules(project),
    )
    yield section("Data and templates", "data.md.j2", lambda: _data(project))
    yield section(
        "External dependencies",
        "used_by.md.j2",
        lambda: _used_by(project),
        sources=lambda: (*come_from.dependencies(project), *come_from.modules(project)),
    )
    yield section("Tests", "tests.md.j2", lambda: tests(project), sources=lambda: come_from.tests(project))
    yield section("Not covered", "not_covered.md.j2", lambda: not_covered(project))


def _overview(project: Project, title: str) -> dict[str, object]:
    return {
        "title": title or (f"Architecture of {project.name}" if project.name else "Architecture"),
        "summary": project.summary,
        "files": len(project.inventory.files),
        "languages": project.languages,
        "components": len(project.components),
        "edges": len(project.edges),
    }


def _components(project: Project) -> dict[str, object] | None:
    if not project.components:
        return None
    uses: dict[str, list[str]] = {}
    for edge in project.edges:
        uses.setdefault(edge.source, []).append(edge.target)
    pairs = {(edge.source, edge.target) for edge in project.edges}
    lines = {file.path: file.lines for file in project.inventory.files}
    rows = [
        (
            name,
            _directory(modules),
            len(modules),
            sum(lines.get(module.path, 0) for module in modules),
            first_sentence(purpose(modules)),
            uses.get(name, []),
        )
        for name, modules in project.components
    ]
    diagram = component_diagram([row[0] for row in rows], project.edges)
    return {
        "diagram": diagram,
        "thinned": diagram.count(" --> ") < len(pairs),
        "rows": rows,
        "mutual": sorted((a, b) for a, b in pairs if a < b and (b, a) in pairs),
    }


def _directory(modules: tuple[Module, ...]) -> str:
    return min((module.path.rpartition("/")[0] for module in modules), key=len) or "."


def _modules(project: Project) -> dict[str, object] | None:
    public = [module for module in project.modules if module.symbols]
    if not public:
        return None
    rows = []
    for module in public[:_MODULES]:
        names = [symbol.name for symbol in module.symbols]
        rows.append((module.path, first_sentence(module.doc), names[:_NAMES], len(names) - _NAMES))
    return {"rows": rows, "more": len(public) - len(rows)}


def _data(project: Project) -> dict[str, object] | None:
    found: dict[tuple[str, str], int] = {}
    for file in project.inventory.files:
        if file.language in _DATA:
            key = (file.path.rpartition("/")[0] or ".", file.language)
            found[key] = found.get(key, 0) + 1
    rows = [(directory, language, count) for (directory, language), count in sorted(found.items())]
    return {"rows": rows[:60]} if rows else None


def _used_by(project: Project) -> dict[str, object] | None:
    rows = []
    for manifest, declared in project.dependencies:
        for dependency in declared:
            users = [
                name
                for name, modules in project.components
                if any(_imports(module, dependency.name) for module in modules)
            ]
            if users:
                rows.append((dependency.name, dependency.constraint, users, manifest.path))
    seen: dict[str, tuple[str, str, list[str], str]] = {}
    for row in rows:
        seen.setdefault(row[0], row)
    return {"rows": list(seen.values())} if seen else None


def _imports(module: Module, dependency: str) -> bool:
    """Whether `module` imports `dependency` under its own name; other names are not guessed."""
    if module.language == "Python":
        wanted = re.sub(r"[-_.]+", "_", dependency).lower()
        return any(name.split(".")[0].lower() == wanted for name in module.imports)
    return any(name == dependency or name.startswith(dependency + "/") for name in module.imports)

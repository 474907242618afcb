"""Getting-started tutorial: the way from a clone to a first success, in steps that can be typed."""

import re
from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.readme import not_covered
from docgen_main.documents.section import FILES, Section, section
from docgen_main.facts import Project
from docgen_main.facts.model import Module, Symbol

_PROGRAMS, _COMMANDS, _NAMES, _PAGES = 8, 8, 5, 12


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The steps of a tutorial about `project`, without those that no file says anything about."""
    yield section(
        "Overview",
        "tutorial_overview.md.j2",
        lambda: _overview(project, brief),
        sources=lambda: (*come_from.identity(project), FILES),
        guidance="What the reader will have at the end.",
    )
    yield section(
        "What you need",
        "tutorial_needs.md.j2",
        lambda: _needs(project),
        id="needs",
        sources=lambda: come_from.manifests(project),
    )
    yield section(
        "Install",
        "tutorial_install.md.j2",
        lambda: {"lines": project.install_commands} if project.install_commands else None,
        sources=lambda: come_from.manifests(project),
    )
    yield section(
        "Run it",
        "tutorial_run.md.j2",
        lambda: {"entries": project.entries[:_PROGRAMS]} if project.entries else None,
        id="run",
        sources=lambda: come_from.entries(project),
        guidance="The first success: what to type and what to see.",
    )
    yield section(
        "Use it from code",
        "tutorial_use.md.j2",
        lambda: _use(project),
        id="use",
        sources=lambda: come_from.public_modules(project),
        guidance="The names that a program needs first.",
    )
    yield section(
        "Change it",
        "tutorial_change.md.j2",
        lambda: _change(project),
        id="change",
        sources=lambda: come_from.tests(project),
    )
    yield section("Read on", "tutorial_read_on.md.j2", lambda: _pages(project), id="read-on")
    yield section("Not covered", "not_covered.md.j2", lambda: not_covered(project))


def _overview(project: Project, brief: Brief) -> dict[str, object]:
    return {
        "title": brief.title
        or (f"Getting started with {project.name}" if project.name else "Getting started"),
        "files": len(project.inventory.files),
        "summary": project.summary,
        "empty": not (project.install_commands or project.entries or project.commands),
    }


def _needs(project: Project) -> dict[str, object] | None:
    needs = [(m.ecosystem, m.runtime, m.path) for m in project.manifests if m.runtime and "/" not in m.path]
    return {"needs": needs} if needs else None


def _use(project: Project) -> dict[str, object] | None:
    """Documented names of the component that is called like the project.

    A project that makes no programs is there to be used from code: of such a one the component with the most
    documented names will do.
    """
    documented = {name: _documented(modules) for name, modules in project.components}
    wanted = _plain(project.name)
    called = [name for name in documented if _plain(re.split(r"[./]", name)[-1]) == wanted]
    if not called and not project.entries:
        called = sorted(documented, key=lambda name: -len(documented[name]))
    best = called[0] if called else ""
    symbols = documented.get(best)
    return {"component": best, "symbols": symbols[:_NAMES]} if symbols else None


def _documented(modules: tuple[Module, ...]) -> list[Symbol]:
    """Symbols with documentation; those that the package itself hands on come first."""
    handed_on = {s.name for module in modules for s in module.symbols if s.kind == "re-export"}
    found = [s for module in modules for s in module.symbols if s.doc and s.kind != "re-export"]
    return sorted(found, key=lambda symbol: symbol.name not in handed_on)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name.rpartition("/")[2]).lower()


def _change(project: Project) -> dict[str, object] | None:
    commands = [command for command in project.commands if command.help][:_COMMANDS]
    if not commands and not project.test_command:
        return None
    return {"commands": commands, "test": project.test_command}


def _pages(project: Project) -> dict[str, object] | None:
    """Documents of the project itself, those nearest to the top first."""
    found = [
        file.path
        for file in project.inventory.files
        if file.path.lower().endswith((".md", ".rst"))
        and (file.path.count("/") == 0 or file.path.lower().startswith(("doc/", "docs/")))
    ]
    pages = sorted(found, key=lambda path: (path.count("/"), path))
    return {"pages": pages[:_PAGES], "more": len(pages) - _PAGES} if pages else None

"""API reference: every public name with its signature and documentation."""

from collections.abc import Iterable, Iterator
from functools import partial

from docgen_main.documents.markdown import prose
from docgen_main.documents.readme import not_covered
from docgen_main.documents.section import Section, section
from docgen_main.facts import Project
from docgen_main.facts.model import Module

_FENCES = {
    "Python": "python",
    "Go": "go",
    "Rust": "rust",
    "Java": "java",
    "TypeScript": "ts",
    "JavaScript": "js",
}


def sections(project: Project, title: str) -> Iterator[Section]:
    """A head, and one section for each component that has public names."""
    components = [(name, public) for name, modules in project.components if (public := _public(modules))]
    yield section("Overview", "api_overview.md.j2", lambda: _overview(project, title, components))
    for name, modules in components:
        yield section(
            name,
            "api_component.md.j2",
            partial(_component, name, modules),
            sources=partial(_paths, modules),
            guidance="What each name is for and how it is used.",
        )
    yield section("Not covered", "not_covered.md.j2", lambda: not_covered(project))


def _public(modules: tuple[Module, ...]) -> list[Module]:
    return [module for module in modules if module.symbols]


def _overview(project: Project, title: str, components: list[tuple[str, list[Module]]]) -> dict[str, object]:
    modules = [module for _, found in components for module in found]
    return {
        "title": title or (f"API reference of {project.name}" if project.name else "API reference"),
        "files": len(project.inventory.files),
        "components": [(name, count_names(found)) for name, found in components],
        "names": count_names(modules),
    }


def count_names(modules: Iterable[Module]) -> int:
    """How many public names there are, those that a module only hands on counted where they are made."""
    symbols = [symbol for module in modules for symbol in module.symbols]
    made = [symbol.name for symbol in symbols if symbol.kind != "re-export"]
    return len(made) + len({symbol.name for symbol in symbols} - set(made))


def _component(name: str, modules: list[Module]) -> dict[str, object]:
    return {
        "name": name,
        "modules": modules,
        "fences": _FENCES,
        "whole": all(module.name == name for module in modules),
        "handed_on": _handed_on,
        "ends_in_list": _ends_in_list,
    }


def _ends_in_list(doc: str) -> bool:
    """Whether `doc` ends with a list, into which a list below it would run."""
    return prose(doc).rpartition("\n")[2].startswith("- ")


def _paths(modules: list[Module]) -> list[str]:
    return [module.path for module in modules]


def _handed_on(module: Module) -> list[tuple[str, list[str]]]:
    """Names that the module only hands on, by the module they come from; with another name, as that one."""
    found: dict[str, list[str]] = {}
    for symbol in module.symbols:
        if symbol.kind == "re-export":
            origin, _, name = symbol.origin.rpartition("#")
            known = name in (symbol.name, "*", "default")
            found.setdefault(origin, []).append(symbol.name if known else f"{name} as {symbol.name}")
    return list(found.items())

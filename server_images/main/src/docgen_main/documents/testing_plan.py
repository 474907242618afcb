"""Test plan: what people want to be sure of, and what is tested today and what is not."""

from collections.abc import Iterator

from docgen_main.documents import sources as come_from
from docgen_main.documents.brief import Brief
from docgen_main.documents.readme import tests
from docgen_main.documents.section import ANSWERS, FILES, Section, section
from docgen_main.documents.variables import Variable
from docgen_main.facts import Project
from docgen_main.facts.model import Module

QUESTIONS = (
    Variable("goals", "What must the tests make sure of? One goal a line.", type="list"),
    Variable("risks", "What would hurt most if it broke? One risk a line.", type="list"),
    Variable("done_when", "When is testing done (figures, sign-off)? One criterion a line.", type="list"),
    Variable("environments", "Where are tests run? One environment a line.", type="list", required=False),
    Variable(
        "out_of_scope", "What is not tested on purpose, and why? One a line.", type="list", required=False
    ),
)
_SHOWN = 60
_TOP = 12


def sections(project: Project, brief: Brief) -> Iterator[Section]:
    """The sections of a test plan."""
    yield section(
        "Goals",
        "testing_plan_goals.md.j2",
        lambda: {
            "title": brief.title or (f"Test plan of {project.name}" if project.name else "Test plan"),
            "goals": brief.answers["goals"],
            "tested": sum(count for _, count in project.tests),
            "modules": sum(1 for module in project.modules if not module.test),
        },
        sources=lambda: (ANSWERS, FILES, *come_from.identity(project)),
    )
    for name, title in (("risks", "Risks"), ("environments", "Environments")):
        yield _answered(title, brief.answers.get(name))
    yield section("Tests", "tests.md.j2", lambda: tests(project), sources=lambda: come_from.tests(project))
    yield section(
        "Modules that no test imports",
        "testing_plan_untested.md.j2",
        lambda: _untested(project),
        id="untested",
        sources=lambda: tuple(module.path for module in project.modules),
        guidance="Where tests are missing first, by what would hurt most.",
    )
    yield section(
        "Commands that check",
        "run_commands.md.j2",
        lambda: _checks(project),
        id="checks",
        sources=lambda: come_from.commands(project),
    )
    for name, title in (("out_of_scope", "Out of scope"), ("done_when", "Done when")):
        yield _answered(title, brief.answers.get(name))


def _answered(title: str, items: object) -> Section:
    facts = {"title": title, "items": items}
    return section(title, "answer_list.md.j2", lambda: facts if items else None, sources=lambda: (ANSWERS,))


def _untested(project: Project) -> dict[str, object] | None:
    """Modules with public names that tests neither import nor are named after; only where there are tests."""
    tests_there = [module for module in project.modules if module.test]
    if not tests_there:
        return None
    imported = {name for module in tests_there for name in module.imports}
    named = {_stem(module.path) for module in tests_there}
    rows = [
        (module.path, [symbol.name for symbol in module.symbols][:6], len(module.symbols) - 6)
        for module in project.modules
        if module.symbols and not module.test and not _is_tested(module, imported, named)
    ]
    rows.sort(key=lambda row: (-len(row[1]) - max(row[2], 0), row[0]))
    return {"rows": rows[:_SHOWN], "more": len(rows) - _SHOWN} if rows else None


def _is_tested(module: Module, imported: set[str], named: set[str]) -> bool:
    """By the imports of tests, of it or something in it, or by a test file of its name beside or below."""
    if module.name in imported or any(name.startswith(module.name + ".") for name in imported):
        return True
    stem = module.path.rpartition("/")[2].split(".")[0].lower()
    return stem in named


def _stem(path: str) -> str:
    """What a test file is named after, in the habits of Python, Go, TypeScript and Java."""
    name = path.rpartition("/")[2].split(".")[0].lower()
    return name.removeprefix("test_").removesuffix("_test").removesuffix("test")


def _checks(project: Project) -> dict[str, object] | None:
    words = ("check", "lint", "test", "coverage", "bench", "type", "e2e", "soak")
    found = [command for command in project.commands if any(word in command.line for word in words)][:_TOP]
    return {"title": "Commands that check", "commands": found, "probes": []} if found else None

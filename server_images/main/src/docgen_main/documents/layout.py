"""The directories of a project and what each holds."""

from collections import Counter

from docgen_main.documents.markdown import plural
from docgen_main.facts import Project
from docgen_main.facts.prose import first_sentence

_LINES = 60


def facts(project: Project) -> dict[str, object] | None:
    """A tree of directories, two levels deep, and the files of the top directory."""
    if not project.inventory.files:
        return None
    rows = _directories(project)
    rows += [(name, "") for name in sorted(project.top)]
    shown = rows[:_LINES]
    width = min(max(len(name) for name, _ in shown) + 2, 40)
    lines = [f"{name:<{width}}{said}".rstrip() for name, said in shown]
    return {"tree": "\n".join(lines), "more": len(rows) - len(shown)}


def _directories(project: Project) -> list[tuple[str, str]]:
    contents: dict[str, Counter[str]] = {}
    for file in project.inventory.files:
        parts = file.path.split("/")[:-1]
        for depth in range(1, min(len(parts), 2) + 1):
            what = file.language or "other"
            contents.setdefault("/".join(parts[:depth]), Counter())[what] += 1
    said = _purposes(project)
    rows = []
    for path in sorted(contents):
        depth = path.count("/")
        name = "  " * depth + path.rsplit("/", 1)[-1] + "/"
        rows.append((name, said.get(path) or _count(contents[path])))
    if len(rows) > _LINES - 12:  # a wide project: the first level says enough
        rows = [row for row in rows if not row[0].startswith(" ")]
    return rows


def _purposes(project: Project) -> dict[str, str]:
    """First sentence of the documentation of each directory that is a package."""
    found = {}
    for module in project.modules:
        directory = module.path.rpartition("/")[0]
        says = module.path.endswith("/__init__.py") or module.language == "Go"
        if says and module.doc and directory not in found:
            found[directory] = first_sentence(module.doc)
    return found


def _count(content: Counter[str]) -> str:
    total = sum(content.values())
    language, count = content.most_common(1)[0]
    if language == "other":
        return plural(total, "file")
    return plural(count, f"{language} file") + (f", {total - count} other" if total > count else "")

import re

from jinja2.meta import find_undeclared_variables

from docgenctl.rendering.environment import template_environment
from tests.unit.rendering.blueprints import TEMPLATES


def used() -> dict[str, set[str]]:
    """Template → the variables that it uses and does not set."""
    environment = template_environment(TEMPLATES)
    return {
        str(path.relative_to(TEMPLATES)): find_undeclared_variables(environment.parse(path.read_text()))
        for path in TEMPLATES.rglob("*.j2")
    }


def documented() -> dict[str, set[str]]:
    """Template → the variables that its section of the README has a table row for."""
    text = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"^### `([^`]+)`.*$", text, flags=re.MULTILINE)[1:]
    rows = re.compile(r"^\| `(\w+)` \| \S", re.MULTILINE)
    return {name: set(rows.findall(body)) for name, body in zip(sections[::2], sections[1::2], strict=True)}


def test_every_template_is_documented_and_no_other() -> None:
    assert sorted(documented()) == sorted(used())


def test_the_documented_variables_are_those_in_use() -> None:
    assert documented() == used()

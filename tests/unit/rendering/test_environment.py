from pathlib import Path

import pytest

from docgenctl.model.errors import DocgenError
from docgenctl.rendering.dockerfiles import render_dockerfile
from docgenctl.rendering.environment import render_template, template_environment
from tests.unit.rendering.blueprints import TEMPLATES


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return tmp_path


def test_a_missing_variable_is_an_error_with_template_and_line(templates: Path) -> None:
    (templates / "a.j2").write_text("one\ntwo {{ nowhere }}\n")
    with pytest.raises(DocgenError, match=r"templates/a\.j2:2: 'nowhere' is undefined"):
        render_template(templates, "a.j2", {})


def test_a_missing_attribute_is_an_error_too(templates: Path) -> None:
    (templates / "a.j2").write_text("{{ thing.nowhere }}")
    with pytest.raises(DocgenError, match="nowhere"):
        render_template(templates, "a.j2", {"thing": {}})


def test_a_syntax_error_is_named_with_its_line(templates: Path) -> None:
    (templates / "a.j2").write_text("fine\n{% if %}\n")
    with pytest.raises(DocgenError, match=r"templates/a\.j2:2"):
        render_template(templates, "a.j2", {})


def test_a_missing_template_is_named(templates: Path) -> None:
    with pytest.raises(DocgenError, match=r"none\.j2 is missing"):
        render_template(templates, "none.j2", {})


def test_data_is_printed_never_run(templates: Path) -> None:
    (templates / "a.j2").write_text("{{ text }}")
    assert render_template(templates, "a.j2", {"text": "{{ 7 * 7 }}"}) == "{{ 7 * 7 }}"


def test_templates_see_nothing_but_their_variables() -> None:
    assert not template_environment(TEMPLATES).globals


def test_a_dockerfile_is_rendered_from_its_kind(templates: Path) -> None:
    (templates / "images" / "gateway.Dockerfile.j2").write_text("FROM {{ base }}\n")
    assert render_dockerfile("gateway", {"base": "x:1"}, templates) == "FROM x:1\n"

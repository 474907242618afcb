"""The Jinja environment: strict about what is missing, without helpers that templates do not need."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound

from docgenctl.model.errors import DocgenError
from docgenctl.rendering.compiled import compiled_templates
from docgenctl.rendering.quoting import FILTERS


@cache
def template_environment(templates: Path) -> Environment:
    """The environment for one directory of templates.

    No autoescape: the outputs are configuration files, and every value is quoted by the filter of its
    format. No globals at all, so that a template sees its variables and nothing else.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML is made here
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=compiled_templates(),
    )
    environment.globals.clear()
    environment.filters.update(FILTERS)
    return environment


def render_template(templates: Path, name: str, variables: Mapping[str, Any]) -> str:
    """The text of one template.

    Args:
        templates: directory of all templates.
        name: path below it, with slashes.
        variables: everything the template may use.

    Raises:
        DocgenError: the template is missing, is not valid, or uses a variable that it was not given; the
            message names the template and the line where Jinja knows it.
    """
    try:
        return template_environment(templates).get_template(name).render(variables)
    except TemplateNotFound as error:
        raise DocgenError(
            f"template {error.name} is missing from {templates}",
            hint="reinstall docgenctl; its templates are part of it",
            code="template",
        ) from error
    except TemplateError as error:
        line = getattr(error, "lineno", None) or _template_line(error, name)
        place = f"templates/{name}:{line}" if line else f"templates/{name}"
        raise DocgenError(
            f"{place}: {error.message}", hint="please report this: it is our mistake", code="template"
        ) from error


def _template_line(error: BaseException, name: str) -> int | None:
    """The line of the template that an error at rendering came from (Jinja rewrites the traceback)."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

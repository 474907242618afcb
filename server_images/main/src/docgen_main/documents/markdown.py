"""Our own templates, which turn facts into Markdown that data cannot break out of."""

from functools import cache
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from docgen_main.markdown_text import (
    FILTERS,
    Markdown,
    cell,
    code,
    fence,
    finalize,
    inline,
    plural,
    prose,
    text,
    tidy,
)

__all__ = [
    "Markdown",
    "cell",
    "code",
    "environment",
    "fence",
    "inline",
    "plural",
    "prose",
    "render",
    "text",
]


@cache
def environment() -> jinja2.Environment:
    """The one Jinja environment: our templates, nothing undefined, everything printed escaped."""
    made = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made


def render(template: str, **facts: object) -> str:
    """Template `template` filled with `facts`."""
    return tidy(environment().get_template(template).render(**facts))

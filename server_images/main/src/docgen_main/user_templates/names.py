"""Names of templates and of what they declare: one rule each, so that a name is never a path."""

import re

from docgen_main.user_templates.errors import RefusedTemplateError
from docgen_main.workspace.names import display

NAME_MOST = 64
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,47}")

_RESERVED_TEXT = """
    project title loop self super caller varargs kwargs namespace range context environment
    and or not in is if else elif true false none for set block macro call filter import include from
"""
#: names that mean something else inside a template
RESERVED = frozenset(_RESERVED_TEXT.split())


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a template or a kind: small letters, digits, single hyphens."""
    return len(text) <= NAME_MOST and _NAME.fullmatch(text) is not None


def check_name(text: str, what: str = "the name of a template") -> str:
    """`text`. Raises `RefusedTemplateError` when it cannot be a name."""
    if not is_name(text):
        raise RefusedTemplateError(
            f"{display(text[:80])!r} cannot be {what}: use small letters, digits and single hyphens, "
            f"beginning with a letter, at most {NAME_MOST} characters",
            rule="name",
        )
    return text


def is_variable(text: str) -> bool:
    """Whether `text` can be the name of a variable."""
    return _VARIABLE.fullmatch(text) is not None and text not in RESERVED

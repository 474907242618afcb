"""What a template declares in its front matter: titles, a kind of document, variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from docgen_main.documents.variables import AnswersError, Value, Variable, VariableType, settle
from docgen_main.user_templates.errors import RefusedTemplateError
from docgen_main.user_templates.names import check_name, is_variable
from docgen_main.workspace import DeniedError
from docgen_main.workspace.hiding import hides
from docgen_main.workspace.names import check_new, display, is_plain, parse

VARIABLES_MOST = 50
CHOICES_MOST = 50
_TEXT_MOST = 500
_KEYS = frozenset({"title", "description", "kind", "file_name", "variables"})
_VARIABLE_KEYS = frozenset({"question", "type", "required", "default", "choices"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """Title and description for people; the kind of document it makes ("" for none) and that one's file."""

    title: str
    description: str
    kind: str
    file_name: str
    variables: tuple[Variable, ...]


def declare(front: Mapping[str, Any], name: str) -> Declaration:
    """The declaration in `front` of template `name`. Raises `RefusedTemplateError` with the key."""
    _known("", front, _KEYS)
    title = _text("title", front.get("title", name.replace("-", " ").capitalize()))
    kind = _text("kind", front.get("kind", ""))
    if kind:
        check_name(kind, "a kind of document")
    return Declaration(
        title=title,
        description=_text("description", front.get("description", "")),
        kind=kind,
        file_name=_file_name(_text("file_name", front.get("file_name", f"{kind or name}.md"))),
        variables=_variables(front.get("variables", {})),
    )


def _known(where: str, table: Mapping[str, Any], keys: frozenset[str]) -> None:
    for key in table:
        if key not in keys:
            raise _wrong(where + display(key[:80]), f"is not known here; known are {', '.join(sorted(keys))}")


def _wrong(key: str, said: str) -> RefusedTemplateError:
    return RefusedTemplateError(f"front matter: {key} {said}", rule="front matter")


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_MOST or not is_plain(value):
        raise _wrong(key, f"must be one line of text, at most {_TEXT_MOST} characters")
    return value.strip()


def _file_name(text: str) -> str:
    try:
        path = parse(text)
        check_new(path)
    except DeniedError as error:
        raise _wrong("file_name", f"cannot be used: {error}") from None
    if len(path) != 1 or "/" in text or not text.lower().endswith(".md") or hides(text):
        raise _wrong("file_name", "must be the name of a Markdown file, such as OVERVIEW.md")
    return path[0]


def _variables(table: object) -> tuple[Variable, ...]:
    if not isinstance(table, Mapping):
        raise _wrong("variables", "must be tables, one a variable: [variables.owner]")
    if len(table) > VARIABLES_MOST:
        raise _wrong("variables", f"are {len(table)}; at most {VARIABLES_MOST} may be")
    return tuple(_variable(name, entry) for name, entry in table.items())


def _variable(name: str, entry: object) -> Variable:
    where = f"variables.{display(name[:80])}"
    if not is_variable(name):
        raise _wrong(where, "cannot be the name of a variable: small letters, digits and _, no reserved word")
    if not isinstance(entry, Mapping):
        raise _wrong(where, 'must be a table, such as { question = "Who owns it?" }')
    _known(where + ".", entry, _VARIABLE_KEYS)
    choices = _choices(where, entry.get("choices", []))
    default = _default(where, entry.get("default"))
    required = entry.get("required", default is None)
    if not isinstance(required, bool):
        raise _wrong(f"{where}.required", "must be true or false")
    variable = Variable(
        name=name,
        question=_text(f"{where}.question", entry.get("question", "")) or f"{name}?",
        type=_type(where, entry.get("type", "choice" if choices else "text"), choices),
        required=required,
        default=default,
        choices=choices,
    )
    try:
        settle((variable,), {})
    except AnswersError as error:
        raise _wrong(f"{where}.default", f"does not fit: {error}") from None
    return variable


def _choices(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > CHOICES_MOST:
        raise _wrong(f"{where}.choices", f"must be a list of at most {CHOICES_MOST} texts")
    return tuple(_text(f"{where}.choices", choice) for choice in value)


def _type(where: str, value: object, choices: tuple[str, ...]) -> VariableType:
    for known in get_args(VariableType):
        if value == known:
            if (known == "choice") != bool(choices):
                raise _wrong(where, "needs choices exactly when its type is choice")
            found: VariableType = known
            return found
    raise _wrong(f"{where}.type", f"must be one of {', '.join(get_args(VariableType))}")


def _default(where: str, value: object) -> Value | None:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise _wrong(f"{where}.default", "must be a text, a number, true or false, or a list of texts")

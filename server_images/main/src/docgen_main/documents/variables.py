"""What a document has to be told: declared variables of templates, questions of kinds that need judgement."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

VariableType = Literal["text", "integer", "number", "boolean", "list", "choice"]
Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to be told: its name, what is asked, and what counts as an answer.

    `choices` are the possible values of a choice. Without `default` and with `required` it must be given.
    """

    name: str
    question: str
    type: VariableType = "text"
    required: bool = True
    default: Value | None = None
    choices: tuple[str, ...] = ()


class AnswersError(ValueError):
    """Answers that cannot be taken; `str()` names each variable and what it wants."""


def settle(variables: Sequence[Variable], given: Mapping[str, object]) -> dict[str, Value]:
    """The value of each variable: as given (text is converted to the variable's type) or its default.

    Optional ones that nobody set are left out. Raises `AnswersError` naming every unknown name, every value
    of a wrong type, and every choice that is none; not for what is missing: see `missing`.
    """
    known = {variable.name: variable for variable in variables}
    offered = f"there are {', '.join(known)}" if known else "none is asked for here"
    problems = [f"{name}: there is no such variable; {offered}" for name in given if name not in known]
    values: dict[str, Value] = {}
    for variable in variables:
        raw = given.get(variable.name)
        if raw is None:
            raw = variable.default
        if raw is None:
            continue
        try:
            values[variable.name] = _converted(variable, raw)
        except ValueError as error:
            problems.append(f"{variable.name}: {error}")
    if problems:
        raise AnswersError("; ".join(problems))
    return values


def missing(variables: Sequence[Variable], values: Mapping[str, Value]) -> tuple[Variable, ...]:
    """The required variables that `values`, which `settle` returned, has nothing for; blank is nothing."""
    return tuple(v for v in variables if v.required and values.get(v.name) in (None, "", []))


def _converted(variable: Variable, raw: object) -> Value:
    match variable.type:
        case "text":
            return _text(raw)
        case "integer":
            return int(_number(raw, "a whole number"))
        case "number":
            number = float(_number(raw, "a number"))
            if not math.isfinite(number):
                raise ValueError("must be a number")
            return number
        case "boolean":
            return _boolean(raw)
        case "list":
            return _items(raw)
        case "choice":
            text = _text(raw)
            if text not in variable.choices:
                raise ValueError(f"must be one of {', '.join(variable.choices)}")
            return text


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return str(raw)
    raise ValueError("must be text")


def _number(raw: object, wanted: str) -> int | float:
    try:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raise ValueError(wanted)
        number = float(raw)
        if wanted == "a whole number" and number != int(number):
            raise ValueError(wanted)
        return int(raw) if wanted == "a whole number" and not isinstance(raw, float) else number
    except (ValueError, OverflowError):
        raise ValueError(f"must be {wanted}") from None


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    answers = {"true": True, "yes": True, "false": False, "no": False}
    if isinstance(raw, str) and raw.strip().lower() in answers:
        return answers[raw.strip().lower()]
    raise ValueError("must be true or false")


def _items(raw: object) -> list[str]:
    if isinstance(raw, str):
        return [item.strip() for item in raw.splitlines() if item.strip()]
    if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
        return [item for item in raw if item.strip()]
    raise ValueError("must be a list of texts (in one text: an item a line)")

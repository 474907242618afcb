"""What is wrong with a value, in our words: one entry for every error type that the model can raise."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.model.settings import CURRENT_VERSION

_LONGEST = 200

#: error type of pydantic → message and hint, from the error and the value as written
Explanation = Callable[[Mapping[str, Any], str], tuple[str, str]]


def explain(error: Mapping[str, Any], text: str) -> tuple[str, str]:
    """Message and hint for one of `ValidationError.errors()`; `text` is the value as it was written."""
    message, hint = _EXPLANATIONS.get(error["type"], _unusable)(error, text)
    return message if len(message) <= _LONGEST else message[: _LONGEST - 3] + "...", hint


def display(value: Any) -> str:
    """A value for a message: short, on one line, without control characters."""
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _ours(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    message, _, advice = str(error["ctx"]["error"]).partition("; ")
    return message, advice


def _choice(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    choices = [choice.strip("'\"") for choice in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    value = error["input"]
    if choices == [str(CURRENT_VERSION)]:
        return f"{display(value)} is not a layout of docgen.yaml", f"write {CURRENT_VERSION}"
    near = difflib.get_close_matches(str(value).lower(), choices, n=1, cutoff=0.4)
    hint = f"did you mean `{near[0]}`?" if near else "write " + _or(choices)
    return f"{display(value)} is not one of {_or(choices)}", hint


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _text_wanted(error: Mapping[str, Any], text: str) -> tuple[str, str]:
    value = error["input"]
    if isinstance(value, int | float) and text:
        return f"{text} reads as {_kind(value)}, not as text", f'put it in quotes: "{text}"'
    return f"{display(value)} is not text", "write a single word or a quoted text"


def _kind(value: Any) -> str:
    return "true or false" if isinstance(value, bool) else "a number"


def _name_wanted(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    value = display(error["input"])
    if "3\\." in error["ctx"]["pattern"]:
        return f"{value} is not a version of Python", 'write "3.13"'
    return (
        f"{value} is not a name",
        "write 2 to 32 lower-case letters, digits and dashes, a letter first and no dash last",
    )


def _bool_wanted(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return f"{display(error['input'])} is neither true nor false", "write true or false"


def _number_wanted(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return f"{display(error['input'])} is not a number", "write a number"


def _whole_number_wanted(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return f"{display(error['input'])} is not a whole number", "write a whole number"


def _list_wanted(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return f"{display(error['input'])} is not a list", "write [first, second]"


def _too_small(error: Mapping[str, Any], text: str) -> tuple[str, str]:
    bound = error["ctx"].get("ge", error["ctx"].get("gt"))
    words = "at least" if "ge" in error["ctx"] else "more than"
    return f"{text or display(error['input'])} is too small", f"write {words} {_amount(bound)}"


def _too_large(error: Mapping[str, Any], text: str) -> tuple[str, str]:
    return f"{text or display(error['input'])} is too large", f"write at most {_amount(error['ctx']['le'])}"


def _amount(value: float) -> str:
    if value >= 1024**2 and value % 1024**2 == 0:
        return f"{int(value // 1024**2)}m"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _missing(_error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return "is needed", "write it beside its neighbours"


def _empty(_error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return "the text is empty", "write a value, or remove the key"


def _unusable(error: Mapping[str, Any], _text: str) -> tuple[str, str]:
    return f"{display(error['input'])} cannot be used here", "see `docgenctl config schema`"


_EXPLANATIONS: Mapping[str, Explanation] = {
    "value_error": _ours,
    "missing": _missing,
    "literal_error": _choice,
    "string_type": _text_wanted,
    "string_unicode": _text_wanted,
    "string_pattern_mismatch": _name_wanted,
    "string_too_short": _empty,
    "bool_type": _bool_wanted,
    "bool_parsing": _bool_wanted,
    "float_type": _number_wanted,
    "float_parsing": _number_wanted,
    "finite_number": _number_wanted,
    "int_type": _whole_number_wanted,
    "int_parsing": _whole_number_wanted,
    "int_parsing_size": _whole_number_wanted,
    "int_from_float": _whole_number_wanted,
    "tuple_type": _list_wanted,
    "greater_than": _too_small,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
}

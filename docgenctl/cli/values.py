"""From the text of an option to its value, for the types our options have, without pydantic.

Typer builds a pydantic adapter for every parameter, even for one that was not given; importing pydantic
takes longer than `docgenctl status` takes altogether. Text, paths and numbers are read here instead, with
messages in our words. Any other type stays with Typer.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

#: What Typer can ask of a path beyond being one; a parameter that asks stays with Typer.
_PATH_CHECKS = ("exists", "writable", "resolve_path", "allow_dash", "path_type")


class PlainValue:
    """Reads one parameter's value; stands where Typer keeps its adapter."""

    def __init__(self, read: Callable[[str], Any], *, several: bool, least: Any, most: Any) -> None:
        self._read = read
        self._several = several
        self._least = least
        self._most = most

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """The value of what was typed, or of the default. Raises typer.BadParameter."""
        if value is None:
            return () if self._several else None
        try:
            return [self._one(item) for item in value] if self._several else self._one(value)
        except ValueError as wrong:
            raise typer.BadParameter(str(wrong), ctx=ctx, param=param) from None

    def _one(self, value: Any) -> Any:
        found = self._read(value) if isinstance(value, str) else value
        if self._least is not None and found < self._least:
            raise ValueError(f"{value} is too small; write at least {self._least:g}")
        if self._most is not None and found > self._most:
            raise ValueError(f"{value} is too large; write at most {self._most:g}")
        return found


def read_plainly(parameters: Sequence[Any]) -> Sequence[Any]:
    """Let those of a command's parameters that have a plain type read their values without pydantic."""
    for parameter in parameters:
        plain = _plain_value(parameter)
        if plain is not None:
            parameter.get_runtime_param = lambda plain=plain: plain
    return parameters


def _plain_value(parameter: Any) -> PlainValue | None:
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None:
        return None
    annotation, asked = descriptor.annotation, descriptor.parameter_info
    several = get_origin(annotation) is list
    read = _READERS.get(get_args(annotation)[0] if several else annotation)
    unusual = asked.parser is not None or asked.clamp or any(getattr(asked, name) for name in _PATH_CHECKS)
    if read is None or unusual:
        return None
    return PlainValue(read, several=several, least=asked.min, most=asked.max)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


_READERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    Path: Path,
    float: _number,
    int: _whole_number,
    bool: _truth,
}

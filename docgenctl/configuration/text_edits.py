"""Changes to the text of docgen.yaml that leave every other byte as it is; pure.

Each function takes a text that has been read without errors and gives back the new text. Every result is
read again and its values compared with what was wanted (`_checked`).
"""

import copy
import json
import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

from docgenctl.configuration.yaml_outline import Form, Path, Spot, outline
from docgenctl.configuration.yaml_source import UNPRINTABLE, parse_yaml, plain_scalar
from docgenctl.model.errors import ConfigurationError
from docgenctl.model.setting_values import PortRange

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/.:-]*[A-Za-z0-9_]|[0-9]+(\.[0-9]+){3}|[0-9]+[kmgsh]")
_STEP = 2


def written(value: Any) -> str:
    """A value as it stands behind its colon: plain where it reads as itself, else in quotes or brackets."""
    if isinstance(value, PortRange | IPv4Network) or (isinstance(value, str) and _reads_as_itself(value)):
        return str(value)
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _reads_as_itself(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and plain_scalar(text) == text


def set_value(text: str, path: Path, value: Any) -> str:
    """The text with this value at the key path, whose sections are added where they are missing.

    Raises ConfigurationError (`not_editable`) when the file is written in a way that a program should leave
    to its author.
    """
    spots = outline(text)
    if path in spots:
        changed = _replace(text, spots[path], written(value))
    else:
        depth = next(length for length in range(len(path) - 1, -1, -1) if path[:length] in spots)
        changed = _insert(text, spots, path[:depth], path[depth:], value)
    wanted = copy.deepcopy(_values(text))
    _put(wanted, path, value)
    return _checked(changed, wanted, path)


def remove_value(text: str, path: Path, *, keep: Callable[[Path], bool] = lambda _: False) -> str:
    """The text without the key, and without sections that held nothing else; the same text when it has none.

    Args:
        text: of the file.
        path: of the key or section to remove.
        keep: whether a section that became empty still means something, and stays.

    Raises ConfigurationError as `set_value` does.
    """
    spots = outline(text)
    if path not in spots:
        return text
    wanted = copy.deepcopy(_values(text))
    while _alone(text, spots, path) and not keep(path[:-1]):
        path = path[:-1]
    _take(wanted, path)
    return _checked(_cut(text, spots, path), wanted, path)


def rename_key(text: str, path: Path, key: str, value: Any) -> str:
    """The text with another last key and another value in the same place. Raises as `set_value` does."""
    spot = outline(text)[path]
    changed = _replace(text, spot, written(value))
    changed = changed[: spot.key_start] + key + changed[spot.key_end :]
    wanted = copy.deepcopy(_values(text))
    _take(wanted, path)
    _put(wanted, (*path[:-1], key), value)
    return _checked(changed, wanted, path)


def _replace(text: str, spot: Spot, new: str) -> str:
    if spot.form in (Form.EMPTY, Form.BLOCK):
        return text[: spot.colon] + " " + new + text[spot.end :]
    return text[: spot.start] + new + text[spot.end :]


def _insert(text: str, spots: dict[Path, Spot], around: Path, path: Path, value: Any) -> str:
    """Add `path` below a section that is there."""
    spot = spots[around]
    if spot.form in (Form.ALIAS, Form.SCALAR):  # a scalar in place of a section is an empty one
        if spot.form is Form.ALIAS or _values(text, around) is not None:
            raise _not_editable(around)
        text = text[: spot.colon] + text[spot.end :]
        spot = Spot(spot.key_start, spot.key_end, spot.colon, spot.column, spot.in_flow, end=spot.colon)
    if spot.form is Form.FLOW or spot.in_flow:
        return _insert_in_flow(text, spots, around, spot, path, value)
    if not spot.keys:
        at, column = spot.end, spot.column + (_step(spots) if around else 1)
    else:
        last = spots[(*around, spot.keys[-1])]
        at, column = max(last.end, last.colon), last.column
    return _insert_lines(text, at, _lines(path, value, column, _step(spots)))


def _insert_in_flow(
    text: str, spots: dict[Path, Spot], around: Path, spot: Spot, path: Path, value: Any
) -> str:
    *above, key = path
    new = f"{key}: {written(value)}"
    for part in reversed(above):
        new = f"{part}: {{{new}}}"
    if spot.form is not Form.FLOW:
        return text[: spot.colon] + f" {{{new}}}" + text[spot.colon :]
    if not spot.keys:
        return text[: spot.start + 1] + new + text[spot.start + 1 :]
    last = spots[(*around, spot.keys[-1])]
    at = max(last.end, last.colon)
    return text[:at] + ", " + new + text[at:]


def _insert_lines(text: str, at: int, lines: list[str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(lines)
    end = text.find("\n", at)
    if end < 0:
        lacking = "" if not text or text.endswith("\n") else newline
        return text + lacking + block + newline
    return text[: end + 1] + block + newline + text[end + 1 :]


def _lines(path: Path, value: Any, column: int, step: int) -> list[str]:
    *above, key = path
    lines = [f"{' ' * (column + step * depth)}{part}:" for depth, part in enumerate(above)]
    return [*lines, f"{' ' * (column + step * len(above))}{key}: {written(value)}"]


def _step(spots: dict[Path, Spot]) -> int:
    """How far this author indents a section."""
    for path, spot in spots.items():
        if len(path) > 1 and not spot.in_flow:
            return max(1, spot.column - spots[path[:-1]].column)
    return _STEP


def _alone(text: str, spots: dict[Path, Spot], path: Path) -> bool:
    """Whether the section around holds nothing but this, not even a comment."""
    around, spot = spots[path[:-1]], spots[path]
    between = text[around.colon : spot.key_start] + text[max(spot.end, spot.colon) : around.end]
    return len(path) > 1 and len(around.keys) == 1 and not between.strip(" \t\r\n{}")


def _cut(text: str, spots: dict[Path, Spot], path: Path) -> str:
    spot, siblings = spots[path], spots[path[:-1]].keys
    end = max(spot.end, spot.colon)
    if not spot.in_flow:
        start = text.rfind("\n", 0, spot.key_start) + 1
        line_end = text.find("\n", end)
        return text[:start] + (text[line_end + 1 :] if line_end >= 0 else "")
    index = siblings.index(path[-1])
    if index + 1 < len(siblings):
        return text[: spot.key_start] + text[spots[(*path[:-1], siblings[index + 1])].key_start :]
    if index:
        before = spots[(*path[:-1], siblings[index - 1])]
        return text[: max(before.end, before.colon)] + text[end:]
    return text[: spot.key_start] + text[end:]


def _values(text: str, path: Path = ()) -> Any:
    value: Any = parse_yaml(text.encode(), "docgen.yaml").values
    for part in path:
        value = value[part]
    return value


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        if not isinstance(values.get(part), dict):
            values[part] = {}
        values = values[part]
    values[path[-1]] = list(value) if isinstance(value, tuple) else value


def _take(values: dict[str, Any], path: Path) -> None:
    for part in path[:-1]:
        values = values[part]
    del values[path[-1]]


def _checked(text: str, wanted: dict[str, Any], path: Path) -> str:
    try:
        found = _values(text)
    except ConfigurationError:
        raise _not_editable(path) from None
    if _without_nothing(found) != _without_nothing(wanted):
        raise _not_editable(path)
    return text


def _without_nothing(value: Any) -> Any:
    """Empty sections and empty values are the same: not set."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item not in (None, {})}


def _not_editable(path: Path) -> ConfigurationError:
    where = "/".join(path) or "the file"
    return ConfigurationError(
        f"docgen.yaml: {where}: is written in a way that only its author can change without harm"
        " (an alias, an anchor or an unusual layout)",
        hint="docgenctl config edit",
        code="not_editable",
    )

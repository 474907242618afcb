"""TOML with its comments and layout kept, changed in one table."""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable


class TomlError(ValueError):
    """The text is not what it should be; `line` counts from 1, 0 when unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def read_toml(text: str) -> dict[str, Any]:
    """What the text means. Raises TomlError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(str(error)) from None


def set_table(text: str, path: tuple[str, str], value: Mapping[str, Any]) -> str:
    """The text with this table at the path. Raises TomlError, also where something else is in the way."""
    wanted = read_toml(text)
    tables = wanted.setdefault(path[0], {})
    if not isinstance(tables, dict):
        raise TomlError(f"{path[0]} is not a table")
    tables[path[1]] = dict(value)
    try:
        document = tomlkit.parse(text)
        if path[0] not in document:
            document[path[0]] = tomlkit.table(is_super_table=True)
        parent = document[path[0]]
        parent[path[1]] = _table(value, inline=isinstance(parent, InlineTable))
    except (TOMLKitError, TypeError, KeyError, ValueError) as error:
        raise TomlError(f"it cannot be changed without harm ({error})") from None
    return _checked(tomlkit.dumps(document), wanted)


def remove_table(text: str, path: tuple[str, str]) -> str:
    """The text without the table at the path; the same text when it is not there. Raises TomlError."""
    wanted = read_toml(text)
    tables = wanted.get(path[0])
    if not isinstance(tables, dict) or path[1] not in tables:
        return text
    del tables[path[1]]
    try:
        document = tomlkit.parse(text)
        del document[path[0]][path[1]]
        if not document[path[0]]:
            del document[path[0]]
    except (TOMLKitError, TypeError, KeyError) as error:
        raise TomlError(f"it cannot be changed without harm ({error})") from None
    changed = tomlkit.dumps(document)
    if changed.endswith("\n\n"):  # the empty line above a table that was the last
        changed = changed.rstrip("\n") + "\n"
    return _checked(changed, wanted if tables else _without(wanted, path[0]))


def _table(value: Mapping[str, Any], *, inline: bool) -> Any:
    table = tomlkit.inline_table() if inline else tomlkit.table()
    for name, item in value.items():
        table[name] = _table(item, inline=inline) if isinstance(item, Mapping) else item
    return table


def _without(wanted: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in wanted.items() if name != key}


def _checked(text: str, wanted: Mapping[str, Any]) -> str:
    if read_toml(text) != wanted:
        raise TomlError("it is laid out in a way that cannot be changed without harm")
    return text

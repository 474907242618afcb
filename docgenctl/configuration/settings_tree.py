"""The layout of docgen.yaml as a tree, read from the model: sections, maps with free keys, and settings."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeGuard, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from docgenctl.model.setting_values import PortRange, format_duration, format_size, parse_duration, parse_size
from docgenctl.model.settings import Settings


@dataclass(frozen=True)
class Setting:
    """One value that people write; `field` is None below a map with free values (`options`)."""

    field: FieldInfo | None


@dataclass(frozen=True)
class Section:
    """Known keys, each with what stands below it."""

    description: str
    children: Mapping[str, "Node"]


@dataclass(frozen=True)
class Entries:
    """A map whose keys people choose; every value has the same layout."""

    description: str
    each: "Node"


Node = Section | Entries | Setting


@cache
def settings_tree() -> Section:
    """The tree of all of docgen.yaml."""
    return _section(Settings, "")


def _section(model: type[BaseModel], description: str) -> Section:
    children = {name: _node(field) for name, field in model.model_fields.items()}
    return Section(description, children)


def _node(field: FieldInfo) -> Node:
    annotation, description = field.annotation, field.description or ""
    if get_origin(annotation) is dict:
        value = get_args(annotation)[1]
        return Entries(description, _section(value, "") if _is_section(value) else Setting(None))
    if _is_section(annotation):
        return _section(annotation, description)
    return Setting(field)


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not PortRange


def setting_paths(settings: Settings) -> Iterator[tuple[str, ...]]:
    """Key paths of all settings, for the servers and options that these settings have."""
    yield from _paths_below(settings_tree(), settings, ())


def _paths_below(node: Node, value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Setting):
        yield path
    elif isinstance(node, Entries):
        for key, entry in value.items():
            yield from _paths_below(node.each, entry, (*path, key))
    else:
        for key, child in node.children.items():
            yield from _paths_below(child, getattr(value, key), (*path, key))


def as_written(field: FieldInfo, value: Any) -> Any:
    """A checked value as people write it: sizes as `512m`, durations as `10m`, all else as it is."""
    formats = {parse_size: format_size, parse_duration: format_duration}
    optional = (item for way in get_args(field.annotation) for item in getattr(way, "__metadata__", ()))
    for item in (*field.metadata, *optional):
        if isinstance(item, BeforeValidator) and item.func in formats and isinstance(value, int):
            return formats[item.func](value)
    return value


def suggestion(key: str, section: Section) -> str:
    """A hint for an unknown key: the nearest sibling, the same key elsewhere, or what is known here."""
    near = difflib.get_close_matches(key, section.children, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    elsewhere = [path for path in _named(settings_tree(), ()) if path.split("/")[-1] == key]
    if elsewhere:
        return f"did you mean `{elsewhere[0]}`?"
    return "known here: " + ", ".join(section.children)


def _named(node: Node, path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield "/".join(path)
    if isinstance(node, Section):
        for key, child in node.children.items():
            yield from _named(child, (*path, key))
    elif isinstance(node, Entries) and isinstance(node.each, Section):
        yield from _named(node.each, (*path, "<name>"))

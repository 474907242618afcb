"""docgen.yaml of older layouts, brought to the current one.

Theory of operation. A layout is a number in `version`. Each step below leads from one layout to the next by
renaming keys and writing their values anew, as edits of the text: comments, order and line numbers stay, so
that a problem found afterwards still names its line. Every command reads an old file through the same steps
in memory, and `docgenctl config migrate` writes what they give. No key path ever means two things in two
layouts, so a file without `version` needs no guess: the steps apply where they find their old keys.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docgenctl.configuration.text_edits import rename_key, set_value
from docgenctl.configuration.yaml_outline import Path
from docgenctl.configuration.yaml_source import YamlDocument, decode, parse_yaml
from docgenctl.files.bounded_file import single_problem
from docgenctl.model.errors import Problem
from docgenctl.model.setting_values import format_duration
from docgenctl.model.settings import CURRENT_VERSION


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key with another name from the next layout on; `convert` makes its value what that one wants."""

    path: Path
    key: str
    convert: Callable[[Any], Any]


def _as_duration(value: Any) -> Any:
    """Whole seconds as a duration; what was no number of seconds stays, for the checks to tell."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return format_duration(value) if whole else value


#: layout → what the step from it to the next one changes
STEPS: Mapping[int, tuple[Renamed, ...]] = {
    1: (Renamed(("gateway", "request_timeout_s"), "request_timeout", _as_duration),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A file in the current layout: `text` is what it would be, `notes` say what was old about it."""

    document: YamlDocument
    text: str
    notes: tuple[str, ...] = ()


def in_current_layout(data: bytes, name: str) -> Current:
    """The file as the current layout has it. `version` is raised only where it is written.

    Raises ConfigurationError for a file that cannot be read, for one of a newer layout, and for one that has
    an old key beside its new name.
    """
    text = decode(data, name)
    document = parse_yaml(data, name)
    written = document.values.get("version")
    _refuse_newer(written, document, name)
    layout_named = _layout(written)
    renamed = []
    for layout in range(layout_named or min(STEPS), CURRENT_VERSION):
        for step in STEPS[layout]:
            if _holds(document, step.path):
                text = _apply(step, text, document, name)
                renamed.append(f"`{'/'.join(step.path)}` is now `{step.key}`")
                document = parse_yaml(text.encode(), name)
    if layout_named and layout_named < CURRENT_VERSION:
        text = set_value(text, ("version",), CURRENT_VERSION)
        document = parse_yaml(text.encode(), name)
        renamed = renamed or ["nothing but the number differs"]
    notes = (_note(name, layout_named, renamed),) if renamed else ()
    return Current(document=document, text=text, notes=notes)


def values_in_current_layout(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same steps for settings that a program recorded, as nested dictionaries."""
    current = copy.deepcopy(dict(values))
    first = current.get("version", min(STEPS))
    for layout in range(first, CURRENT_VERSION):
        for step in STEPS[layout]:
            around = current
            for part in step.path[:-1]:
                around = around.get(part, {})
            if step.path[-1] in around:
                around[step.key] = step.convert(around.pop(step.path[-1]))
        current["version"] = layout + 1
    return current


def _layout(version: object) -> int | None:
    """The layout that a file names, None when it names none that there is."""
    known = isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= CURRENT_VERSION
    return version if known else None  # type: ignore[return-value]  # `known` says that it is an int


def _refuse_newer(version: object, document: YamlDocument, name: str) -> None:
    if isinstance(version, int) and version > CURRENT_VERSION:
        message = f"layout {version} is newer than this docgenctl, which knows up to {CURRENT_VERSION}"
        hint = "use a newer docgenctl; `docgenctl version` prints this one's"
        raise single_problem(Problem(name, document.line(("version",)), "version", message, hint))


def _holds(document: YamlDocument, path: Path) -> bool:
    value: Any = document.values
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def _apply(step: Renamed, text: str, document: YamlDocument, name: str) -> str:
    around: Any = document.values
    for part in step.path[:-1]:
        around = around[part]
    if step.key in around:
        message = f"is the old name of `{step.key}`, which is there as well"
        hint = f"keep `{step.key}` and remove this line"
        raise single_problem(Problem(name, document.line(step.path), "/".join(step.path), message, hint))
    return rename_key(text, step.path, step.key, step.convert(around[step.path[-1]]))


def _note(name: str, layout: int | None, renamed: list[str]) -> str:
    what = f"has layout {layout}" if layout else "has keys of an older layout"
    return f"{name} {what} ({'; '.join(renamed)}); `docgenctl config migrate` brings it up to date"

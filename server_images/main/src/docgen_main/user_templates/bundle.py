"""A template as one text to carry elsewhere: its source, with a table `[export]` ending the front matter.

The source comes back byte for byte, comments and layout included. A bundle may come from anybody, so what the
table says is checked like everything else and trusted for nothing: the hash only tells whether the text was
changed since it was exported.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from docgen_main.user_templates.errors import RefusedTemplateError
from docgen_main.user_templates.names import check_name
from docgen_main.user_templates.source import FENCE, SOURCE_BYTES, plain, read_front, split
from docgen_main.user_templates.version import Version

_TABLE = "[export]"
_TABLE_BYTES = 1024
_FORMAT = "docgenctl-template/1"
_KEYS = {"format": str, "name": str, "version": int, "created": str, "sha256": str, "front": bool}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds: the name and version it was exported as, and the source.

    `changed` says whether the source is another than that which was exported.
    """

    name: str
    version: int
    source: str
    changed: bool


def pack(version: Version) -> str:
    """`version` as a bundle."""
    lines = version.source.split("\n")
    _, _, before = split(version.source)
    table = [
        _TABLE,
        f"format = {json.dumps(_FORMAT)}",
        f"name = {json.dumps(version.name)}",
        f"version = {version.number}",
        f"created = {json.dumps(version.created)}",
        f"sha256 = {json.dumps(version.sha256)}",
        f"front = {'true' if before else 'false'}",
    ]
    if not before:
        return "\n".join([FENCE, *table, FENCE, *lines])
    return "\n".join([*lines[: before - 1], *table, *lines[before - 1 :]])


def unpack(text: str) -> Bundle:
    """The bundle that `text` is. Raises `RefusedTemplateError` for everything else."""
    text = plain(text, SOURCE_BYTES + _TABLE_BYTES)
    front, _, before = split(text)
    told = _checked(read_front(front).get("export") if before else None)
    lines = text.split("\n")
    marks = [number for number in range(1, before - 1) if lines[number] == _TABLE]
    if not marks or "export" in read_front("\n".join(lines[1 : marks[-1]])):
        raise _refused(f"must begin with a line {_TABLE} and be the last")
    kept = [*lines[: marks[-1]], *lines[before - 1 :]] if told["front"] else lines[before:]
    source = "\n".join(kept)
    changed = hashlib.sha256(source.encode()).hexdigest() != told["sha256"]
    return Bundle(told["name"], told["version"], source, changed)


def _checked(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise _refused("is missing: this is no exported template (templates_create takes a bare source)")
    for key, kind in _KEYS.items():
        if type(table.get(key)) is not kind:
            raise _refused(f"needs {key}")
    if set(table) != set(_KEYS) or table["format"] != _FORMAT:
        raise _refused(f"must have format {_FORMAT!r} and nothing that this format does not know")
    check_name(table["name"])
    return table


def _refused(said: str) -> RefusedTemplateError:
    return RefusedTemplateError(f"the table {_TABLE} {said}", rule="bundle")

"""One tool, told to people: what it takes, whose it is, whether it is what it was, how it is called."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from docgenctl.cli.plain_text import harmless

if TYPE_CHECKING:
    from docgenctl.actions.use_routes import InspectedTool

_WIDEST = 100
_HINTS = {
    "readOnlyHint": "only reads",
    "destructiveHint": "may destroy",
    "idempotentHint": "the same again changes nothing more",
    "openWorldHint": "reaches beyond the stack",
}
_EXAMPLES: Mapping[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}


def tool_page(inspected: InspectedTool) -> Iterator[str]:
    """Lines of the page; everything that a server wrote is made harmless for a terminal."""
    tool, definition = inspected.tool, inspected.tool.definition
    name = tool.name or tool.own_name
    yield _clean(f"{name}  {definition.get('title') or ''}".rstrip())
    for line in str(definition.get("description") or "(no description)").strip().splitlines():
        yield f"  {_clean(line)}".rstrip()
    yield ""
    yield from _facts(inspected)
    yield from _arguments(definition.get("inputSchema"))
    yield from _findings(inspected)
    yield from _difference(inspected)
    if tool.endpoints:
        yield ""
        yield "Call it:"
        yield f"  {_example(name, definition.get('inputSchema'))}"


def _facts(inspected: InspectedTool) -> Iterator[str]:
    tool, known = inspected.tool, inspected.known
    there = f", as {tool.own_name} there" if tool.own_name != tool.name else ""
    yield f"server       {_clean(tool.server + there)}"
    yield f"endpoints    {', '.join(tool.endpoints) or _why_nowhere(inspected)}"
    yield f"limits       {tool.timeout_s:g} s a call{f', {tool.rate} for each key' if tool.rate else ''}"
    annotations = tool.definition.get("annotations")
    hints = annotations if isinstance(annotations, Mapping) else {}
    said = [words if hints[key] else f"not: {words}" for key, words in _HINTS.items() if key in hints]
    yield f"it says      {'; '.join(said) or 'nothing about what it does to the world'}"
    yield f"definition   sha256:{tool.digest}"
    if known is None:
        yield "known        not looked at yet; the next docgenctl up does"
    else:
        changed = f", changed {known.changed}" if known.changed else ""
        state = "it differs from what is known" if inspected.differs else "as it is known"
        yield f"known        first seen {known.first_seen}{changed}; {state}"


def _why_nowhere(inspected: InspectedTool) -> str:
    tool = inspected.tool
    if tool.denied:
        return "none: it is denied"
    if tool.held:
        return f"none: it is held back, {tool.held}"
    return "none: another server's tool has the same name, or no endpoint shows it"


def _arguments(schema: Any) -> Iterator[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or not properties:
        yield "arguments    none"
        return
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    yield "arguments"
    for name, value in properties.items():
        shape = value if isinstance(value, Mapping) else {}
        marks = ["needed"] if name in needed else []
        if "default" in shape:
            marks.append(f"by default {json.dumps(shape['default'])}")
        yield _clean(f"  {name}  {_type(shape)}{', ' if marks else ''}{', '.join(marks)}")
        for line in str(shape.get("description") or "").strip().splitlines():
            yield f"      {_clean(line)}"


def _type(shape: Mapping[str, Any]) -> str:
    choices = shape.get("enum")
    if isinstance(choices, list):
        return "one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    ways = shape.get("anyOf") or shape.get("oneOf")
    if isinstance(ways, list):
        return " or ".join(_type(way) for way in ways if isinstance(way, Mapping))
    items = shape.get("items")
    if shape.get("type") == "array" and isinstance(items, Mapping):
        return f"list of {_type(items)}"
    kind = shape.get("type")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind or "anything")


def _findings(inspected: InspectedTool) -> Iterator[str]:
    if not inspected.tool.findings:
        yield "findings     none"
        return
    yield "findings"
    for finding in inspected.tool.findings:
        yield _clean(f"  {finding}")


def _difference(inspected: InspectedTool) -> Iterator[str]:
    """Line by line, with what is hidden escaped, so that no change can look like none."""
    if not inspected.differs or inspected.known is None:
        return
    before, after = _lines(inspected.known.definition), _lines(inspected.tool.definition)
    yield ""
    yield "What changed:"
    for line in list(unified_diff(before, after, n=1, lineterm=""))[2:]:
        yield f"  {line}"
    yield ""
    name = inspected.tool.name or inspected.tool.own_name
    seen = inspected.tool.digest[:16]
    yield f"If that is as it should be: docgenctl tools accept {shlex.quote(name)} --definition {seen}"


def _lines(definition: Mapping[str, Any]) -> list[str]:
    return json.dumps(definition, indent=2, sort_keys=True, ensure_ascii=True).splitlines()


def _example(name: str, schema: Any) -> str:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    required = schema.get("required") if isinstance(schema, Mapping) else None
    words = ["docgenctl", "tools", "call", name]
    for key in required if isinstance(required, list) else []:
        shape = properties.get(key) if isinstance(properties, Mapping) else None
        words.append(_argument(str(key), shape if isinstance(shape, Mapping) else {}))
    return _clean(shlex.join(words))


def _argument(key: str, shape: Mapping[str, Any]) -> str:
    choices = shape.get("enum")
    value = (
        choices[0] if isinstance(choices, list) and choices else _EXAMPLES.get(str(shape.get("type")), "…")
    )
    return f"{key}={value}" if isinstance(value, str) else f"{key}:={json.dumps(value)}"


def _clean(text: str) -> str:
    return harmless(text)

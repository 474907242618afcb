"""Finding every place for a text in the arguments of a tool, and filling in the rest, by its schema alone."""

from collections.abc import Iterator
from typing import Any

#: names of keys from the arguments down; 0 stands for the only element of a list
Place = tuple[str | int, ...]
Schema = dict[str, Any]

#: what makes a tool do its work when another argument is the one that is tried
_VALUES: dict[str, Any] = {
    "path": "docs/generated/here.md", "new_path": "docs/generated/there.md", "old": "inside",
    "kind": "changelog", "content": "planted", "text": "inside", "name": "tried", "template": "",
    "title": "Title",
}  # fmt: skip
_DEEPEST = 5


def places(schema: Schema) -> list[Place]:
    """Where in arguments of `schema` a text of the caller's choice can stand."""
    return list(dict.fromkeys(_places(schema, schema, ())))


def _places(schema: Schema, top: Schema, here: Place) -> Iterator[Place]:
    schema = _resolved(schema, top)
    if len(here) > _DEEPEST:
        return
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _places(choice, top, here)
    if schema.get("type") == "string" and not ("enum" in schema or "const" in schema):
        yield here
    for name, below in schema.get("properties", {}).items():
        yield from _places(below, top, (*here, name))
    if isinstance(schema.get("items"), dict):
        yield from _places(schema["items"], top, (*here, 0))
    more = schema.get("additionalProperties")
    if isinstance(more, dict) or more is True:
        yield from _places(more if isinstance(more, dict) else {"type": "string"}, top, (*here, "tried"))


def filled(schema: Schema, place: Place, text: str) -> dict[str, Any]:
    """Arguments of `schema` with `text` at `place` and something fitting wherever something is required."""
    arguments = _value(schema, schema, "")
    assert isinstance(arguments, dict)
    _put(arguments, schema, schema, place, text)
    return arguments


def _put(within: Any, schema: Schema, top: Schema, place: Place, text: str) -> None:
    first, *rest = place
    below = _below(_resolved(schema, top), top, first)
    if first == 0 and not within:
        within.append(None)
    if not rest:
        within[first] = text
        return
    if (first != 0 and first not in within) or within[first] is None:
        within[first] = _value(below, top, str(first))
    if not isinstance(within[first], (dict, list)):
        within[first] = [] if rest[0] == 0 else {}
    _put(within[first], below, top, tuple(rest), text)


def _below(schema: Schema, top: Schema, key: str | int) -> Schema:
    for choice in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        choice = _resolved(choice, top)
        if key == 0 and isinstance(choice.get("items"), dict):
            return dict(choice["items"])
        if key in choice.get("properties", {}):
            return dict(choice["properties"][key])
        if isinstance(choice.get("additionalProperties"), dict):
            return dict(choice["additionalProperties"])
    return {}


def _value(schema: Schema, top: Schema, name: str) -> Any:
    """The smallest value that fits `schema`."""
    schema = _resolved(schema, top)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return _VALUES.get(name) if _VALUES.get(name) in schema["enum"] else schema["enum"][0]
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], top, name)
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {key: _value(schema["properties"][key], top, key) for key in required}
        case "array":
            return [_value(schema["items"], top, name)] if schema.get("minItems") else []
        case "string":
            return _VALUES.get(name, "x")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return {}


def _resolved(schema: Schema, top: Schema) -> Schema:
    while "$ref" in schema:
        schema = top["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema

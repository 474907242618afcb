"""The JSON schema of docgen.yaml, for editors (JSON Schema draft 2020-12)."""

from collections.abc import Iterator, Mapping
from typing import Any

from docgenctl.configuration.server_checks import server_images
from docgenctl.model.image_facts import ImageFacts, OptionFacts
from docgenctl.model.settings import Settings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTHING = {"type": "null"}


def docgen_schema(facts: Mapping[str, ImageFacts]) -> dict[str, Any]:
    """The schema as plain data: every setting with its description, and the options of all images.

    A server's options follow its `image`, or its name where `image` is not written. An empty section or
    setting is valid, as it is for the loader.
    """
    images = server_images(facts)
    schema = _plain(Settings.model_json_schema())
    schema["title"] = "docgen.yaml"
    definitions = schema["$defs"]
    server = definitions["ServerSettings"]
    server["properties"]["image"] = {
        "enum": [*sorted(images), None],
        "description": server["properties"]["image"]["description"],
    }
    server["allOf"] = [
        {
            "if": {"properties": {"image": {"const": name}}, "required": ["image"]},
            "then": {"properties": {"options": {"$ref": f"#/$defs/options-{name}"}}},
        }
        for name in sorted(images)
    ]
    for name in sorted(images):
        definitions[f"options-{name}"] = _options(images[name])
    servers = schema["properties"]["servers"]
    # Patterns would hold for the known names as well, and forbid what is right for them.
    (pattern,) = servers.pop("patternProperties")
    servers["propertyNames"] = {"pattern": pattern}
    servers["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/ServerSettings"}, _NOTHING]}
    servers["properties"] = {name: _server_named(name) for name in sorted(images)}
    _let_be_empty(schema)
    return {"$schema": _DIALECT, **schema}


def _server_named(name: str) -> dict[str, Any]:
    return {
        "allOf": [
            {"anyOf": [{"$ref": "#/$defs/ServerSettings"}, _NOTHING]},
            {
                "if": {"type": "object", "properties": {"image": {"type": "null"}}},
                "then": {"properties": {"options": {"$ref": f"#/$defs/options-{name}"}}},
            },
        ]
    }


def _options(image: ImageFacts) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": f"Options of the image {image.name}.",
        "properties": {key: _option(option) for key, option in image.options.items()},
        "additionalProperties": False,
    }


def _option(option: OptionFacts) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": option.type}
    if option.type in ("string", "strings"):
        shape = {"type": "string"}
        if option.pattern:
            shape["pattern"] = f"^(?:{option.pattern})$"  # the loader matches the whole text
    if option.type == "strings":
        shape = {"type": "array", "items": shape}
    return {"anyOf": [shape, _NOTHING], "description": option.description, "default": option.default}


def _plain(node: Any) -> Any:
    """Without the titles that are only the names of classes and fields, and defaults of whole sections."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _plain(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))
    }
    if isinstance(kept.get("default"), dict):
        kept["default"] = _shown_default(kept["default"])
    if kept.get("default", 0) is None:
        del kept["default"]
    return kept


def _shown_default(value: dict[str, Any]) -> Any:
    """A port range as people write it; nothing for a section, whose settings have their own defaults."""
    if value.keys() == {"first", "last"}:
        return str(value["first"]) if value["first"] == value["last"] else f"{value['first']}-{value['last']}"
    return {}


def _let_be_empty(schema: dict[str, Any]) -> None:
    for properties in _property_maps(schema):
        for key, value in properties.items():
            if "allOf" not in value:
                properties[key] = _or_null(value)


def _property_maps(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema["properties"]
    for name, definition in schema["$defs"].items():
        if "properties" in definition and not name.startswith("options-"):
            yield definition["properties"]


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    notes = {key: item for key, item in value.items() if key in ("description", "default")}
    shape = {key: item for key, item in value.items() if key not in notes}
    ways = shape.pop("anyOf", None) or [shape]
    return {"anyOf": [*(way for way in ways if way != _NOTHING), _NOTHING], **notes}

"""The docgen.yaml that `docgenctl init` writes: everything there is, as comments, with its default."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from docgenctl.configuration.server_checks import server_images
from docgenctl.configuration.settings_tree import Entries, Node, Section, Setting, as_written, settings_tree
from docgenctl.configuration.text_edits import written
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.settings import CURRENT_VERSION, Settings

_HEAD = """\
# Settings of this directory's stack of MCP servers. Everything is optional: what is commented out shows the
# default. To set something, remove the `#` at the start of its line and of the sections above it.
# Check the file with `docgenctl config validate`; see what holds with `docgenctl config show --origins`.
"""


def starter_text(facts: Mapping[str, ImageFacts], *, schema_file: str = "") -> str:
    """The text; loading it gives the defaults.

    Args:
        facts: image name → facts, for the servers' ports and options.
        schema_file: path of a schema written beside it (`docgenctl config schema`), for editors with the
            YAML language server; empty when there is none.
    """
    first = f"# yaml-language-server: $schema={schema_file}\n" if schema_file else ""
    lines = [*_root(server_images(facts))]
    return first + _HEAD + f"version: {CURRENT_VERSION}\n" + "\n".join(lines) + "\n"


def _root(images: Mapping[str, ImageFacts]) -> Iterator[str]:
    for key, node in settings_tree().children.items():
        if key == "version":
            continue
        yield ""
        if isinstance(node, Entries) and key == "servers":
            yield from _servers(key, node, images)
        else:
            yield from _lines(key, node, 0)


def _lines(key: str, node: Node, depth: int) -> Iterator[str]:
    if isinstance(node, Setting):
        field = node.field
        assert field is not None  # noqa: S101 - options are written by _options, everything else has a field
        yield from _setting(key, field.description or "", _written(field), depth)
    else:
        yield _comment(node.description, depth)
        yield _code(f"{key}:", depth)
        for child, below in node.children.items() if isinstance(node, Section) else ():
            yield from _lines(child, below, depth + 1)


def _servers(key: str, node: Entries, images: Mapping[str, ImageFacts]) -> Iterator[str]:
    yield _comment(node.description, 0)
    yield _code(f"{key}:", 0)
    for name in Settings().servers:
        image = images[name]
        yield _comment(f"{image.title}: {image.description}", 1)
        yield _code(f"{name}:", 1)
        assert isinstance(node.each, Section)  # noqa: S101 - the model's servers are sections
        for child, below in node.each.children.items():
            yield from _server_lines(child, below, image)


def _server_lines(key: str, node: Node, image: ImageFacts) -> Iterator[str]:
    offered = {"image": image.name, "port": image.port, "health_port": image.health_port}
    if key == "options":
        yield from _options(image)
    elif key not in offered:
        yield from _lines(key, node, 2)
    elif offered[key] is not None and isinstance(node, Setting) and node.field is not None:
        yield from _setting(key, node.field.description or "", f" {offered[key]}", 2)


def _options(image: ImageFacts) -> Iterator[str]:
    if image.options:
        yield _comment("Options of its own.", 2)
        yield _code("options:", 2)
    for key, option in image.options.items():
        yield from _setting(key, option.description, _value(option.default), 3)


def _setting(key: str, description: str, value: str, depth: int) -> Iterator[str]:
    yield _comment(description, depth)
    yield _code(f"{key}:{value}", depth)


def _comment(text: str, depth: int) -> str:
    return f"#{'  ' * depth}# {text}" if depth else f"# {text}"


def _code(text: str, depth: int) -> str:
    return f"#{'  ' * depth}{text}"


def _written(field: FieldInfo) -> str:
    return _value(as_written(field, field.get_default(call_default_factory=True, validated_data={})))


def _value(value: Any) -> str:
    """A default behind its colon; nothing for None, which the loader reads as not set."""
    return "" if value is None else f" {written(value)}"

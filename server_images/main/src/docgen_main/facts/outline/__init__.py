"""Public names of languages other than Python, by their grammars, without anything being run."""

from collections.abc import Callable

from docgen_main.facts.model import Module
from docgen_main.facts.outline import go, java, javascript, rust
from docgen_main.facts.outline.reexports import follow

__all__ = ["OUTLINES", "Outline", "follow"]

Outline = Callable[[str, str, bool], Module | None]

#: language → outline(path, text, is a test); None when the file is not read within the limits
OUTLINES: dict[str, Outline] = {
    "Go": go.outline,
    "Java": java.outline,
    "JavaScript": javascript.outline,
    "TypeScript": javascript.outline,
    "Rust": rust.outline,
}

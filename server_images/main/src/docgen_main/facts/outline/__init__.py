"""Public names of languages other than Python, by outlines that list only what is certainly there."""

from collections.abc import Callable

from docgen_main.facts.model import Module
from docgen_main.facts.outline import go, java, javascript, rust

Outline = Callable[[str, str, bool], Module]

#: language → outline(path, text, is a test)
OUTLINES: dict[str, Outline] = {
    "Go": go.outline,
    "Java": java.outline,
    "JavaScript": javascript.outline,
    "TypeScript": javascript.outline,
    "Rust": rust.outline,
}

"""A drawn diagram as elements of the page: rebuilt from a short list, in the page's own colours.

The renderer writes colours of one theme. Here each becomes a variable of the style sheet, so that a diagram
turns dark with the page and light on paper. Nothing that is not on the lists below is taken over: no styles,
no addresses, no names that anything on the page could refer to.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree

_TAGS = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"}
)
_PAINT = frozenset(
    {"fill", "fill-opacity", "fill-rule", "opacity", "stroke", "stroke-dasharray", "stroke-linecap"}
    | {"stroke-linejoin", "stroke-opacity", "stroke-width"}
)
_LETTERS = frozenset(
    {"dominant-baseline", "font-size", "font-style", "font-weight", "text-anchor", "text-decoration"}
)
_PLACE = frozenset(
    {"cx", "cy", "d", "dx", "dy", "height", "points", "r", "rx", "ry", "transform", "viewBox", "width"}
    | {"x", "x1", "x2", "y", "y1", "y2"}
)
_ATTRIBUTES = _PAINT | _LETTERS | _PLACE
_STYLED = _PAINT | _LETTERS | {"rx", "ry"}
_VALUE = re.compile(r"[\w\s.,#%+-]*(?:\([\d\s.,%+-]*\)[\w\s.,#%+-]*)*")
#: The renderer's colours, in the words of the style sheet.
_OURS: Mapping[str, str] = {
    "#ffffff": "paper",
    "#172d4a": "ink",
    "#596579": "quiet",
    "#000000": "line",
    "#e5effa": "surface",
    "#f0f4fa": "ground",
    "#4472c4": "border",
}
#: Colours of series (slices, tracks, periods), which can stand on both papers.
_SERIES = frozenset(
    {"#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#eeca3b", "#b279a2", "#ff9da6", "#9d755d"}
    | {"#439894", "#bab0ac"}
)
#: The renderer's letters are 16 pixels high. At most they are like the page's, at least still legible.
_LARGEST, _SMALLEST = 0.875, 0.66
#: Scripts whose letters stand side by side, so that their sum is a text's width.
_WESTERN = re.compile(r"[\x20-\u024f\u0370-\u04ff\u2010-\u2026]+")
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,6})?")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


#: Width of a text of some size, bold or not, italic or not.
Measure = Callable[[str, float, bool, bool], float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A diagram for the page: its SVG, its width there, and whether its author chose colours."""

    svg: str
    width: float
    own_colours: bool


@dataclass(frozen=True, slots=True)
class _Letters:
    """How text is set at some place of the drawing."""

    size: float = 16
    bold: bool = False
    italic: bool = False

    def within(self, element: ElementTree.Element) -> "_Letters":
        """How text inside `element` is set."""
        said = element.attrib | _styles(element.get("style", ""))
        size = said.get("font-size", "").removesuffix("px")
        return _Letters(
            float(size) if _NUMBER.fullmatch(size) else self.size,
            said["font-weight"] in {"bold", "600", "700"} if "font-weight" in said else self.bold,
            said["font-style"] == "italic" if "font-style" in said else self.italic,
        )


class _Rebuilt:
    """What is being written, and what was noticed on the way."""

    def __init__(self, measure: Measure) -> None:
        self.parts: list[str] = []
        self.own_colours = False
        self._measure = measure

    def element(self, element: ElementTree.Element, letters: _Letters, extra: str = "") -> None:
        tag = element.tag.rpartition("}")[2]
        if tag not in _TAGS:
            return
        letters = letters.within(element)
        if tag in {"text", "tspan"} and not len(element):
            extra += self._length(element.text or "", letters)
        self.parts.append(f"<{tag}{self._attributes(element)}{extra}>{escape(element.text or '')}")
        for child in element:
            self.element(child, letters)
            if tag in {"text", "tspan"}:
                self.parts.append(escape(child.tail or ""))
        self.parts.append(f"</{tag}>")

    def _attributes(self, element: ElementTree.Element) -> str:
        chosen = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES}
        chosen |= _styles(element.get("style", ""))
        written = [f' xml:space="{escape(space)}"' for space in [element.get(_SPACE)] if space == "preserve"]
        for name, value in chosen.items():
            said = self._colour(value) if name in {"fill", "stroke"} else value
            if _VALUE.fullmatch(value):
                written.append(f' {name}="{escape(said)}"')
        return "".join(written)

    def _length(self, text: str, letters: _Letters) -> str:
        """The width that was left for `text`: the reader may have wider letters than the renderer."""
        if len(text) < 2 or not _WESTERN.fullmatch(text):
            return ""
        width = self._measure(text, letters.size, letters.bold, letters.italic)
        return f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'

    def _colour(self, value: str) -> str:
        bare = value.strip().lower()
        if bare in _OURS:
            return f"var(--diagram-{_OURS[bare]})"
        if bare != "none" and bare not in _SERIES:
            self.own_colours = True
        return bare


def _styles(style: str) -> dict[str, str]:
    pairs = [pair.partition(":") for pair in style.split(";")]
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip() in _STYLED}


def rebuilt(svg: str, *, room: float, label: str, measure: Measure) -> Drawing:
    """The drawing in `svg`, to stand in `room` pixels, called `label` for those who cannot see it.

    `measure` tells how wide the renderer took a text to be.

    Raises `ValueError` for what is no drawing.
    """
    if "<!" in svg:
        raise ValueError("a drawing declares no types")
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - the renderer's output, without declarations
        width, height = (float(root.attrib.pop(name)) for name in ("width", "height"))
    except (ElementTree.ParseError, KeyError) as error:
        raise ValueError("the renderer wrote no drawing") from error
    root.attrib.pop("style", None)
    scale = max(_SMALLEST, min(_LARGEST, room / max(width, 1)))
    work = _Rebuilt(measure)
    size = (
        f' width="{width * scale:.0f}" height="{height * scale:.0f}" role="img" aria-label="{escape(label)}"'
    )
    work.element(root, _Letters(), size)
    return Drawing("".join(work.parts), width * scale, work.own_colours)

"""Mermaid diagrams, drawn without a browser and without network.

The renderer is JavaScript that runs in an engine of its own, which has no files, no network, 256 MiB of
memory and ten seconds a diagram. What it cannot draw is shown as the text it is.
"""

from html import escape

from docgen_main.html.limits import DIAGRAM_CHARACTERS, DIAGRAMS
from docgen_main.html.svg import Drawing, rebuilt

#: The width of the text column. A diagram that needs more scrolls in its frame.
_COLUMN = 860


class Diagrams:
    """The diagrams of one page."""

    def __init__(self) -> None:
        self._left = DIAGRAMS

    def figure(self, source: str, shown_source: str) -> str:
        """The diagram of `source` with its text folded away (`shown_source`), or just the text."""
        try:
            drawing = self._drawn(source)
        except ValueError as problem:
            return f'{shown_source}<p class="undrawn">Not drawn: {escape(_first_line(str(problem)))}</p>\n'
        classes = "diagram" + " wide" * (drawing.width > _COLUMN) + " own" * drawing.own_colours
        return (
            f'<figure class="{classes}"><div class="canvas" tabindex="0">{drawing.svg}</div>'
            f"<details><summary>Text of the diagram</summary>{shown_source}</details></figure>\n"
        )

    def _drawn(self, source: str) -> Drawing:
        if len(source) > DIAGRAM_CHARACTERS:
            raise ValueError(f"the diagram has more than {DIAGRAM_CHARACTERS:,} characters")
        if self._left <= 0:
            raise ValueError(f"a page draws {DIAGRAMS} diagrams at most")
        self._left -= 1
        from mermaid_render.fonts import text_width  # type: ignore[import-untyped]
        from mermaid_render.renderer import render  # type: ignore[import-untyped]  # slow to import

        result = render(source)["result"]
        label = f"Diagram ({result['type']})"
        return rebuilt(result["svg"], room=_COLUMN, label=label, measure=text_width)


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:200] + "…"

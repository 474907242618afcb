"""Markdown as HTML in which nothing of the Markdown can act.

Every element is written in `elements` or by markdown-it's own escaping renderer; raw HTML is never passed on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.gfm import gfm_plugin

from docgen_main.html import elements
from docgen_main.html.headings import Anchors, Heading
from docgen_main.html.words import straight


@dataclass(frozen=True, slots=True)
class Body:
    """The HTML of a document, and its headings in order."""

    html: str
    headings: list[Heading]


def body(markdown: str) -> Body:
    """`markdown` as HTML."""
    parser = MarkdownIt("commonmark", {"html": True})
    parser.use(gfm_plugin, front_matter=True).use(deflist_plugin)
    for name, rule in elements.rules().items():
        parser.renderer.rules[name] = _of_token(rule)  # type: ignore[attr-defined]
    tokens = parser.parse(straight(markdown))
    headings = _name_headings(tokens)
    _unstyle(tokens)
    return Body(str(parser.renderer.render(tokens, parser.options, {})), headings)


def _of_token(rule: Callable[[Token], str]) -> Callable[..., str]:
    def apply(tokens: Sequence[Token], at: int, *_: Any) -> str:
        return rule(tokens[at])

    return apply


def _name_headings(tokens: Sequence[Token]) -> list[Heading]:
    """Give each heading its name, at both of its ends."""
    anchors = Anchors()
    headings: list[Heading] = []
    for opening, inner, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "heading_open":
            text = elements.plain(inner.children or [])
            headings.append(Heading(int(opening.tag[1]), anchors.name(text), text))
            opening.attrSet("id", headings[-1].anchor)
            closing.meta["anchor"] = headings[-1].anchor
    return headings


def _unstyle(tokens: Sequence[Token]) -> None:
    """Say how a cell is aligned in a word of our own: the page's policy allows no styles on elements."""
    for token in tokens:
        style = token.attrs.pop("style", "")
        if style:
            token.attrSet("data-align", str(style).removeprefix("text-align:"))

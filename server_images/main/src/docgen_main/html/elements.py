"""The elements that a page writes in its own way, each from its token."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from html import escape

from markdown_it.token import Token

from docgen_main.html.code import coloured
from docgen_main.html.diagrams import Diagrams
from docgen_main.html.links import embedded_picture, is_outside, safe_target
from docgen_main.html.words import breakable

_BREAK = re.compile(r"<br\s{0,5}/?>", re.IGNORECASE)
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")


def plain(tokens: Sequence[Token]) -> str:
    """What a reader reads of a line, without markup."""
    parts = []
    for token in tokens:
        if token.type == "image":
            parts.append(plain(token.children or []))
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif token.type != "html_inline":
            parts.append(token.content)
    return "".join(parts)


def _heading_close(token: Token) -> str:
    anchor = escape(token.meta.get("anchor", ""))
    return f' <a class="anchor" href="#{anchor}" aria-label="Link to this section">#</a></{token.tag}>\n'


def _link_open(token: Token) -> str:
    target = safe_target(str(token.attrGet("href") or ""))
    title = token.attrGet("title")
    said = f' title="{escape(str(title))}"' if title else ""
    if not target:
        return f'<a class="dead"{said}>'
    outside = ' rel="noopener noreferrer nofollow"' if is_outside(target) else ""
    return f'<a href="{escape(target)}"{outside}{said}>'


def _image(token: Token) -> str:
    """A picture that is in the Markdown itself, or else its description: nothing is fetched."""
    address = str(token.attrGet("src") or "")
    alt = escape(plain(token.children or []))
    if picture := embedded_picture(address):
        return f'<img src="{escape(picture)}" alt="{alt}">'
    return f'<span class="picture" title="{escape(address)}">{alt or "picture"}</span>'


def _html_block(token: Token) -> str:
    text = _shown(token.content).strip()
    return f"<p>{text}</p>\n" if text else ""


def _html_inline(token: Token) -> str:
    return _shown(token.content)


def _shown(html: str) -> str:
    """Raw HTML as text, its comments left out and its line breaks kept."""
    parts, here = [], 0
    while (start := html.find("<!--", here)) >= 0:
        parts.append(html[here:start])
        end = html.find("-->", start + 4)
        here = len(html) if end < 0 else end + 3
    parts.append(html[here:])
    return "<br>".join(escape(part) for part in _BREAK.split("".join(parts)))


def _fence(diagrams: Diagrams, token: Token) -> str:
    word = token.info.strip().split(maxsplit=1)[:1]
    found = _LANGUAGE.fullmatch(word[0]) if word else None
    shown = _code(token.content, found[0] if found else "")
    return diagrams.figure(token.content, shown) if found and found[0].lower() == "mermaid" else shown


def _code_block(token: Token) -> str:
    return _code(token.content, "")


def _code(source: str, language: str) -> str:
    return f'<div class="code"><pre tabindex="0"><code>{coloured(source, language)}</code></pre></div>\n'


def _code_inline(token: Token) -> str:
    """Code inside a line; a long path or name may go on in the next line behind a separator."""
    return f"<code>{breakable(token.content)}</code>"


def _table_open(_: Token) -> str:
    return '<div class="table" role="region" aria-label="Table" tabindex="0"><table>\n'


def _table_close(_: Token) -> str:
    return "</table></div>\n"


def rules() -> dict[str, Callable[[Token], str]]:
    """The writers of one page's elements, by the name that markdown-it gives the token."""
    return {**_RULES, "fence": partial(_fence, Diagrams())}


_RULES: dict[str, Callable[[Token], str]] = {
    "heading_close": _heading_close,
    "link_open": _link_open,
    "image": _image,
    "html_block": _html_block,
    "html_inline": _html_inline,
    "code_block": _code_block,
    "code_inline": _code_inline,
    "table_open": _table_open,
    "table_close": _table_close,
}

"""The page around a document: title, contents, style, script, and the policy that shuts the rest out."""

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files

from docgen_main.html.body import Body, body
from docgen_main.html.headings import contents, outline

# Names with a dot are never given to headings.
_MAIN = "page.main"


def framed(markdown: str, title: str = "", note: str = "") -> bytes:
    """The whole page of `markdown`, made here and now: see `page`, which is what the server calls."""
    document = body(markdown)
    style, script = _asset("page.css"), _asset("page.js")
    named = title or _first_title(document) or "Document"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>{escape(named)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        f'<a class="skip" href="#{_MAIN}">Skip to the text</a>\n',
        _navigation(document),
        f'<main id="{_MAIN}">\n<article>\n{document.html}</article>\n',
        f"<footer>{escape(note)}</footer>\n" if note else "",
        f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode(errors="replace")


def _first_title(document: Body) -> str:
    return next((one.text for one in document.headings if one.level == 1), "")


def _navigation(document: Body) -> str:
    entries = outline(document.headings)
    if len(entries) < 2:
        return ""
    return (
        '<nav aria-label="Contents"><details open><summary>Contents</summary>'
        f"{contents(entries)}</details></nav>\n"
    )


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, sent or framed; the page's own style and script are named by their hashes."""
    return (
        f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def _asset(name: str) -> str:
    return files("docgen_main.html").joinpath("assets", name).read_text(encoding="utf-8").strip()

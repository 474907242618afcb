"""What a generated document names: the symbols of an API reference, and code spans below a heading."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NAME = r"[A-Za-z_$][\w$]*"
#: the name that a member's signature declares: what stands before its parameters, its type or its end
_MEMBER = re.compile(rf"({_NAME})\s*(?:<[^(]*>)?\s*\(|({_NAME})[?!]?\s*(?::|=(?!=)|$)")


def api(document: str) -> set[tuple[str, str]]:
    """Path and name of every symbol in an API reference; members are called `Owner.member`."""
    found: set[tuple[str, str]] = set()
    path = owner = ""
    for token, before in _inline(document):
        spans = _spans(token)
        if (before.tag == "h3" and spans) or token.content.startswith("Source: "):
            path = spans[0]
        elif before.tag == "h4":
            owner = spans[0]
            found.add((path, owner))
        elif token.content.startswith("Re-exported from "):
            found |= {(path, span.rpartition(" as ")[2]) for span in spans[1:]}
        elif before.type == "paragraph_open" and before.level > 1 and token.content.startswith("`"):
            found.add((path, f"{owner}.{member(spans[0])}"))
    return found


def member(signature: str) -> str:
    """The name that a member's one-line signature declares."""
    match = _MEMBER.search(signature)
    return (match[1] or match[2]) if match else signature


def under(document: str, heading: str, column: str = "") -> list[str]:
    """Code spans below `heading`, up to the next of its rank; of tables those in `column` if it is given."""
    found: list[str] = []
    inside, rank = False, ""
    header: list[str] = []
    position = 0
    for token in MarkdownIt("commonmark").enable("table").parse(document):
        if token.type == "heading_open" and inside and token.tag <= rank:
            inside = False
        if token.type == "heading_open":
            rank = rank if inside else token.tag
        header = [] if token.type in ("thead_open", "table_close") else header
        position = 0 if token.type == "tr_open" else position + (token.type in ("td_close", "th_close"))
        if token.type == "inline":
            if token.content == heading:
                inside = True
            elif inside:
                header += [token.content] if token.level == 4 and not header[position:] else []
                wanted = not column or not header or header[position : position + 1] == [column]
                found += _spans(token) if wanted else []
    return found


def _inline(document: str) -> list[tuple[Token, Token]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(document)
    return [(token, tokens[index - 1]) for index, token in enumerate(tokens) if token.type == "inline"]


def _spans(token: Token) -> list[str]:
    return [child.content for child in token.children or [] if child.type == "code_inline"]

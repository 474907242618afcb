"""Claims checked: every name that a model uses must be known, or the sentence that uses it goes.

Theory of operation. The model's prose is cut into units: a sentence of a paragraph, an item of a list. In
each unit everything that looks like a name is judged: code spans, paths, addresses, versions, numbers, calls,
dotted, underscored and camel-case words, commands after "run". A unit with an unknown name is removed as a
whole, because what is left of a sentence without its subject says something else. Forms that prose has no
need of (HTML, images, code fences, headings, tables) are removed in the same way: whatever was true in such a
form is in the blocks that the model never held.

The check errs towards removing. It cannot see a wrong statement made of right names.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from docgen_main.language_models.known import Names

_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_PLACE = re.compile("\ue000(\\d+)\ue001")
_LINK = re.compile(r"!?\[([^\]]*)\]\(\s*<?([^)\s>]*)[^)]*\)")
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]*://|www\.|mailto:)[^\s<>)\]]+", re.IGNORECASE)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[A-Z\ue000*_])")
_FORBIDDEN = re.compile(
    r"<[A-Za-z/!?]|&#|!\[|^\s*(?:```|~~~|#{1,6}\s|\|)|^\s*\[[^\]]+\]:|^\s*(?:===+|---+)\s*$", re.M
)
_VERSION = re.compile(r"(?<![\w.])v?\d+(?:\.\d+)+(?:[-+.]?(?:a|b|rc|alpha|beta|dev|post)[\w.]*)?(?![\w])")
_NUMBER = re.compile(r"(?<![\w.])\d{2,}(?:[,_]\d{3})*(?![\w.]*\w)")
_PATH = re.compile(
    r"(?<![\w/])\.{0,2}/?[\w@.+-]+(?:/[\w@.+-]+)*\.[A-Za-z]\w{0,9}(?![\w/])|(?<!\w)/[\w.+-]+(?:/[\w.+-]+)+"
)
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)+(?:\(\))?")
_WORD = re.compile(
    r"\b(?:\w+\(\)|_*[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]*)+|(?:[A-Z][a-z0-9]+){2,})"
)
_COMMAND = re.compile(
    r"\b(?:run|runs|running|type|call|execute|invoke|use|using|with|via)\s+"
    r"((?:make|npm|pnpm|yarn|npx|pip|pipx|uv|uvx|poetry|tox|nox|cargo|go|mvn|gradle|docker|git|python3?|node)"
    r"\s+[\w./-]+)",
    re.IGNORECASE,
)
#: Removed claims that are told; a record needs no more to show what a model is like.
MOST_TOLD = 50
_LATIN = frozenset({"e.g", "i.e", "a.k.a"})
#: Proper names that are no claims about a project.
_PROPER = frozenset({"GitHub", "GitLab", "JavaScript", "TypeScript", "JetBrains", "macOS", "iOS"})


@dataclass(frozen=True, slots=True)
class Checked:
    """Prose without unsupported claims, and what was unsupported."""

    text: str
    removed: tuple[str, ...]


def check(prose: str, names: Names, placeholders: Collection[str] = ()) -> Checked:
    """`prose` without every sentence and item that names what is not known.

    Lines that are one of the `placeholders`, and nothing else, stay.
    """
    removed: list[str] = []
    apart = "\n".join(f"\n{line}\n" if line.strip() in placeholders else line for line in prose.splitlines())
    paragraphs = [
        part if part.strip() in placeholders else _paragraph(part, names, removed)
        for part in re.split(r"\n[ \t]*\n", apart)
    ]
    return Checked(
        "\n\n".join(part for part in paragraphs if part), tuple(dict.fromkeys(removed))[:MOST_TOLD]
    )


def _paragraph(text: str, names: Names, removed: list[str]) -> str:
    kept = []
    for unit in _units(text):
        if not _ITEM.match(unit):
            kept += _sentences(unit, names, removed)
        elif unknown := _unknown(unit, names):
            removed += unknown
        else:
            kept.append(unit)
    return "\n".join(kept).strip("\n")


def _units(text: str) -> list[str]:
    """Items of a list with the lines that continue them; all lines before the first one are one unit."""
    found: list[str] = []
    for line in text.splitlines():
        if found and not _ITEM.match(line):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def _sentences(text: str, names: Names, removed: list[str]) -> list[str]:
    spans: list[str] = []

    def hide(match: re.Match[str]) -> str:
        spans.append(match[0])
        return f"\ue000{len(spans) - 1}\ue001"

    def show(hidden: str) -> str:
        return _PLACE.sub(lambda match: spans[int(match[1])] if int(match[1]) < len(spans) else "", hidden)

    if _FORBIDDEN.search(text) and not names.in_draft(text.strip()):
        removed.append(_shown(text))
        return []
    kept = []
    for sentence in _SENTENCE.split(_SPAN.sub(hide, text)):
        whole = show(sentence)
        if unknown := _unknown(whole, names):
            removed += unknown
        else:
            kept.append(whole)
    return [" ".join(kept)] if kept else []


def _unknown(text: str, names: Names) -> list[str]:
    if _FORBIDDEN.search(text) and not names.in_draft(text.strip()):
        return [_shown(text)]
    spans = [match[2].strip() for match in _SPAN.finditer(text)]
    found = [span for span in spans if not _span_is_known(span, names)]
    return [_shown(name) for name in [*found, *_unknown_in_prose(_SPAN.sub(" \ue000 ", text), names)]]


def _span_is_known(span: str, names: Names) -> bool:
    return (
        names.in_draft(span)
        or names.path(span)
        or names.symbol(span)
        or names.dependency(span)
        or names.command(span)
        or (bool(_VERSION.fullmatch(span)) and names.version(span))
    )


def _unknown_in_prose(text: str, names: Names) -> Iterator[str]:
    for match in _LINK.finditer(text):
        if not names.in_draft(match[2]) and not names.path(match[2].partition("#")[0]):
            yield match[2]
    text = _LINK.sub(lambda match: match[1], text)
    for match in _ADDRESS.finditer(text):
        if not names.in_draft(match[0].rstrip(".,;:")):
            yield match[0]
    text = _ADDRESS.sub(" ", text)
    yield from (words for words in _commands(text) if not names.begins_command(words))
    yield from _unknown_words(text, names)


def _commands(text: str) -> Iterator[str]:
    return (match[1].rstrip(".") for match in _COMMAND.finditer(text))


def _unknown_words(text: str, names: Names) -> Iterator[str]:
    for match in _VERSION.finditer(text):
        if not names.version(match[0].rstrip(".")):
            yield match[0]
    text = _VERSION.sub(" ", text)
    for match in _NUMBER.finditer(text):
        if not names.in_draft(match[0]):
            yield match[0]
    for pattern in (_PATH, _DOTTED, _WORD):
        for match in pattern.finditer(text):
            if not _word_is_known(match[0].rstrip("."), names):
                yield match[0]
        text = pattern.sub(" ", text)


def _word_is_known(word: str, names: Names) -> bool:
    return (
        word in _PROPER
        or word.lower() in _LATIN
        or names.path(word)
        or names.symbol(word)
        or names.dependency(word)
    )


def _shown(text: str) -> str:
    """On one line, printable, short enough for a record."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= 80 else plain[:77] + "..."


def lost_names(draft: str, text: str) -> tuple[str, ...]:
    """Code spans of the draft's prose that a text no longer has."""
    return tuple(dict.fromkeys(m[2].strip() for m in _SPAN.finditer(draft) if m[2].strip() not in text))


def spans(text: str) -> int:
    """How many different code spans there are."""
    return len({match[2].strip() for match in _SPAN.finditer(text)})

"""Characters in a text that a model reads and a person does not see.

What is legitimate is known by its surroundings, so that texts of other languages and emoji give no findings:
a joiner between letters that join, a variation selector after a character that varies, the tags of the three
flags that Unicode has them for (UTS #51), marks of direction in a text that has a direction.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

_INVISIBLE = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0"
    "\u206a\u206b\u206c\u206d\u206e\u206f\ufff9\ufffa\ufffb"
)
_JOINERS = frozenset("\u200c\u200d")
_MARKS = frozenset("\u061c\u200e\u200f")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TAGS = range(0xE0000, 0xE0080)
_KEYCAPS = frozenset("0123456789#*")
_FLAG = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063"
    "\U000e0074|\U000e0077\U000e006c\U000e0073))\U000e007f"
)
_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_SELECTOR_SET = frozenset(map(chr, _SELECTORS))


def hidden_characters(text: str) -> Iterator[str]:
    """What is hidden in ``text``, in words, each kind once: ``zero-width space (U+200B), 3 times``."""
    text = _FLAG.sub("\U0001f3f4", text)
    found = Counter(char for position, char in enumerate(text) if _is_hidden(text, position, char))
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if ord(c) in _TAGS and 0x20 <= ord(c) - 0xE0000 < 0x7F)
    if tags:
        yield f"text in tag characters: {tags[:80]!r}"
    for char, count in sorted(found.items()):
        if ord(char) not in _TAGS:
            times = f", {count} times" if count > 1 else ""
            yield f"{unicodedata.name(char, 'control character').lower()} (U+{ord(char):04X}){times}"
    if not tags and any(ord(char) in _TAGS for char in found):
        yield "tag characters"


def visible(text: str) -> str:
    """``text`` as a model may read it: without what is hidden, tags as the text they stand for."""
    shown = "".join(chr(ord(char) - 0xE0000) if ord(char) in _TAGS else char for char in text)
    kept = (char for char in shown if char not in _INVISIBLE | _JOINERS | _MARKS | _BIDI | _SELECTOR_SET)
    return unicodedata.normalize("NFKC", "".join(kept))


def _is_hidden(text: str, position: int, char: str) -> bool:
    if " " <= char <= "~" or char in "\t\n\r":
        return False
    before = text[position - 1] if position else ""
    after = text[position + 1] if position + 1 < len(text) else ""
    if char in _JOINERS:
        return not (_joins(before) and _joins(after))
    if char in _SELECTOR_SET:
        return not _varies(before)
    if char in _MARKS:
        return not any(
            unicodedata.bidirectional(other) in ("R", "AL") for other in text if other not in _MARKS
        )
    return char in _INVISIBLE or char in _BIDI or ord(char) in _TAGS or unicodedata.category(char) == "Cc"


def _joins(char: str) -> bool:
    """Whether a joiner has a meaning beside ``char``: letters of other scripts, marks, symbols, emoji."""
    return (
        bool(char)
        and not char.isascii()
        and (unicodedata.category(char)[0] in "LMS" or char in _SELECTOR_SET)
    )


def _varies(char: str) -> bool:
    """Whether a variation selector has a meaning after ``char``."""
    return bool(char) and (char in _KEYCAPS or unicodedata.category(char) in ("So", "Sm", "Sk", "Lo", "Po"))

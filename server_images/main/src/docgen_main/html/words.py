"""Where long words of code may go on in the next line, and where they may not."""

import re
from html import escape

_SEPARATOR = re.compile(r"(?<=\w)[/.](?=\w)")
_LONG_NAME = re.compile(r"\w{18,}")
_UNDERSCORE = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_HYPHENATED = re.compile(r"(?<!\S)(?=\w*-)[\w-]{2,40}(?![\w-])")
#: What turns the direction of the text behind it, so that a reader sees something else than a computer.
_TURNS = {code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def breakable(text: str) -> str:
    """`text` as HTML in which a path, a dotted or a very long name may break behind a separator.

    An option or a hyphenated name stays whole, although browsers break behind hyphens.
    """
    broken = _LONG_NAME.sub(lambda name: _UNDERSCORE.sub(r"_<wbr>", name[0]), escape(text))
    return _HYPHENATED.sub(r'<span class="whole">\g<0></span>', _SEPARATOR.sub(r"\g<0><wbr>", broken))


def straight(text: str) -> str:
    """`text` with the characters that turn its direction written out."""
    return text.translate(_TURNS)

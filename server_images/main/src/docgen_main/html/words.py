"""Where long words may go on in the next line."""

import re
from html import escape

_SEPARATOR = re.compile(r"(?<=\w)(?:[/.]|_(?!_))(?=\w)")


def breakable(text: str) -> str:
    """`text` as HTML in which a path or a dotted name may break behind a separator."""
    return _SEPARATOR.sub(r"\g<0><wbr>", escape(text))
